//! Rollouts in an imagined cluster, where pods become available in any order.

mod cases;
mod property;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet, ReplicaSetStatus};
use serde_json::{Value, json};

use super::revision::revision;
use super::rollout::{Input, decide};
use crate::object;
use crate::test_objects::object;

/// A Deployment, its sets, and how many pods of each set run and serve.
struct World {
    deployment: Deployment,
    sets: Vec<Arc<ReplicaSet>>,
    now: Timestamp,
    still_running: Vec<String>,
}

impl World {
    fn new(spec: Value) -> Self {
        let mut all = json!({
            "replicas": 3, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "v1"}]}},
        });
        let fields = spec.as_object().cloned().unwrap_or_default();
        all.as_object_mut().expect("an object").extend(fields);
        Self {
            deployment: object(json!({
                "metadata": {"namespace": "default", "name": "web", "uid": "d", "generation": 1},
                "spec": all,
            })),
            sets: Vec::new(),
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            still_running: Vec::new(),
        }
    }

    fn set_image(&mut self, image: &str) {
        let spec = self.deployment.spec.as_mut().expect("a spec");
        spec.template.spec.as_mut().expect("a pod spec").containers[0].image =
            Some(image.to_owned());
        *self.deployment.metadata.generation.get_or_insert_default() += 1;
    }

    fn set_replicas(&mut self, replicas: i32) {
        self.deployment.spec.as_mut().expect("a spec").replicas = Some(replicas);
        *self.deployment.metadata.generation.get_or_insert_default() += 1;
    }

    /// One decision, written down. Answers whether any set changed.
    fn turn(&mut self) -> bool {
        let decision = decide(&Input {
            deployment: &self.deployment,
            replica_sets: &self.sets,
            running: &self.still_running,
            now: self.now,
        });
        let changed = !decision.ships.is_empty() || !decision.expired.is_empty();
        for ship in decision.ships {
            let mut set = ship.wanted;
            let name = object::name(&set.metadata).to_owned();
            set.metadata.uid = Some(name.clone());
            let created = self.now + SignedDuration::from_secs(self.sets.len() as i64);
            set.metadata
                .creation_timestamp
                .get_or_insert(crate::time::api_time(created));
            self.sets
                .retain(|known| object::name(&known.metadata) != name);
            self.sets.push(Arc::new(set));
        }
        self.sets.retain(|set| {
            !decision
                .expired
                .iter()
                .any(|gone| gone.metadata.name == set.metadata.name)
        });
        if let Some(revision) = decision.revision {
            let annotations = self.deployment.metadata.annotations.get_or_insert_default();
            annotations.insert(super::revision::REVISION.to_owned(), revision);
        }
        self.deployment.status = Some(decision.status);
        changed
    }

    /// The sets create what they are asked for; `available` says how many of these serve.
    fn pods_run(&mut self, available: impl Fn(&str, i32, i32) -> i32) {
        for set in &mut self.sets {
            let asked_for = replicas(set);
            let before = set
                .status
                .as_ref()
                .and_then(|status| status.available_replicas)
                .unwrap_or(0);
            let serving = available(
                object::name(&set.metadata),
                before.min(asked_for),
                asked_for,
            );
            let mut new = ReplicaSet::clone(set);
            new.status = Some(ReplicaSetStatus {
                replicas: asked_for,
                ready_replicas: Some(serving),
                available_replicas: Some(serving),
                ..ReplicaSetStatus::default()
            });
            *set = Arc::new(new);
        }
    }

    /// Turns until nothing changes, all pods serving at once.
    fn settle(&mut self) {
        for _ in 0..100 {
            let changed = self.turn();
            self.pods_run(|_, _, asked_for| asked_for);
            if !changed && !self.turn() {
                return;
            }
        }
        panic!("the rollout does not come to an end: {:?}", self.sizes());
    }

    fn sizes(&self) -> Vec<i32> {
        let mut sets: Vec<_> = self.sets.iter().collect();
        sets.sort_by_key(|set| revision(set));
        sets.into_iter().map(|set| replicas(set)).collect()
    }

    fn status(&self) -> DeploymentStatus {
        self.deployment.status.clone().expect("a status")
    }

    fn progressing(&self) -> (String, String) {
        let conditions = self.status().conditions.unwrap_or_default();
        let progressing = conditions
            .into_iter()
            .find(|condition| condition.type_ == "Progressing");
        let progressing = progressing.expect("a Progressing condition");
        (progressing.status, progressing.reason.unwrap_or_default())
    }
}

fn replicas(set: &ReplicaSet) -> i32 {
    set.spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .expect("replicas")
}
