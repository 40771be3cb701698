//! StatefulSets in an imagined cluster, where pods start and end when the test says so.

mod cases;
mod property;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::identity::revision_of;
use super::revisions::{Newest, newest};
use super::status::status;
use super::steps::{Input, Step, is_healthy, steps};
use crate::object as metadata;
use crate::pods;
use crate::test_objects::object;

const NOW: &str = "2026-06-01T12:00:00Z";

/// A StatefulSet `web`, its revisions and its pods.
struct World {
    set: StatefulSet,
    revisions: Vec<Arc<ControllerRevision>>,
    pods: Vec<Arc<Pod>>,
}

impl World {
    fn new(spec: Value) -> Self {
        let mut all = json!({
            "replicas": 3, "serviceName": "nodes", "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "v1"}]}},
        });
        let fields = spec.as_object().cloned().unwrap_or_default();
        all.as_object_mut().expect("an object").extend(fields);
        Self {
            set: object(json!({
                "metadata": {"namespace": "default", "name": "web", "uid": "s", "generation": 1},
                "spec": all,
            })),
            revisions: Vec::new(),
            pods: Vec::new(),
        }
    }

    fn set_image(&mut self, image: &str) {
        let spec = self.set.spec.as_mut().expect("a spec");
        let pod = spec.template.spec.as_mut().expect("a pod spec");
        pod.containers[0].image = Some(image.to_owned());
    }

    fn set_replicas(&mut self, replicas: i32) {
        self.set.spec.as_mut().expect("a spec").replicas = Some(replicas);
    }

    /// One decision, carried out. Answers what was done, as `+web-0` and `-web-0`.
    fn turn(&mut self) -> Vec<String> {
        let update = self.newest_revision();
        let known = self.set.status.as_ref();
        let known = known.and_then(|status| status.current_revision.clone());
        let current = self.revisions.iter();
        let mut current = current.filter(|one| one.metadata.name == known);
        let current = current.next().cloned();
        let input = Input {
            stateful_set: &self.set,
            pods: &self.pods,
            current: current.as_ref().unwrap_or(&update),
            update: &update,
            now: NOW.parse().expect("a time"),
        };
        let (status, _) = status(&input);
        let steps = steps(&input);
        self.set.status = Some(status);
        steps.into_iter().map(|step| self.carry_out(step)).collect()
    }

    fn newest_revision(&mut self) -> Arc<ControllerRevision> {
        match newest(&self.set, &self.revisions) {
            Newest::Stored(revision) => revision,
            Newest::Missing(revision) => {
                self.revisions.push(Arc::from(revision));
                Arc::clone(self.revisions.last().expect("the one just added"))
            }
            Newest::Returned(revision, number) => {
                self.revisions.retain(|one| !Arc::ptr_eq(one, &revision));
                let renumbered = ControllerRevision {
                    revision: number,
                    ..(*revision).clone()
                };
                self.revisions.push(Arc::new(renumbered));
                Arc::clone(self.revisions.last().expect("the one just added"))
            }
        }
    }

    fn carry_out(&mut self, step: Step) -> String {
        match step {
            Step::Create(pod) => {
                let name = metadata::name(&pod.metadata).to_owned();
                assert!(self.pod(&name).is_none(), "{name} exists");
                self.pods.push(Arc::new(*pod));
                format!("+{name}")
            }
            Step::Delete(pod) => {
                let name = metadata::name(&pod.metadata).to_owned();
                let now: Timestamp = NOW.parse().expect("a time");
                self.change(&name, |pod| {
                    pod.metadata.deletion_timestamp = Some(crate::time::api_time(now));
                });
                format!("-{name}")
            }
            Step::Label(pod, ordinal) => {
                let name = metadata::name(&pod.metadata).to_owned();
                self.change(&name, |pod| {
                    let labels = pod.metadata.labels.get_or_insert_default();
                    labels.extend(super::identity::labels(&format!("web-{ordinal}"), ordinal));
                });
                format!("={name}")
            }
        }
    }

    fn pod(&self, name: &str) -> Option<&Arc<Pod>> {
        let mut pods = self.pods.iter();
        pods.find(|pod| metadata::name(&pod.metadata) == name)
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Pod)) {
        let mut pods = self.pods.iter_mut();
        let pod = pods.find(|pod| metadata::name(&pod.metadata) == name);
        change(Arc::make_mut(pod.expect("a pod of this name")));
    }

    /// The pod runs, and is ready since a time or not at all.
    fn runs(&mut self, name: &str, ready_since: Option<&str>) {
        let ready = if ready_since.is_some() {
            "True"
        } else {
            "False"
        };
        let status = json!({"phase": "Running", "conditions": [
            {"type": "Ready", "status": ready, "lastTransitionTime": ready_since},
        ]});
        self.change(name, |pod| pod.status = Some(object(status)));
    }

    /// Everything that can happen on nodes happens: pods become ready, deleted ones go.
    fn nodes_catch_up(&mut self) {
        self.pods.retain(|pod| !pods::is_terminating(pod));
        for name in self.names() {
            self.runs(&name, Some("2026-06-01T11:00:00Z"));
        }
    }

    /// Turns until nothing is to be done any more; answers everything that was done.
    fn settle(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        for _ in 0..200 {
            self.nodes_catch_up();
            let steps = self.turn();
            if steps.is_empty() {
                return done;
            }
            done.extend(steps);
        }
        panic!("it never settled: {done:?}");
    }

    fn names(&self) -> Vec<String> {
        let names = self
            .pods
            .iter()
            .map(|pod| metadata::name(&pod.metadata).to_owned());
        names.collect()
    }

    fn images(&self) -> Vec<String> {
        let mut all: Vec<_> = (self.pods.iter())
            .map(|pod| {
                let image = pod
                    .spec
                    .as_ref()
                    .and_then(|spec| spec.containers[0].image.clone());
                format!(
                    "{}:{}",
                    metadata::name(&pod.metadata),
                    image.unwrap_or_default()
                )
            })
            .collect();
        all.sort();
        all
    }
}
