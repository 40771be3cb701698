//! All pods of this node: their workers and their logs.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::context::NodeContext;
use super::reach::RunningContainers;
use super::worker::{Desired, PodWorker};
use super::{finish, worker};
use crate::logs::ContainerLog;
use crate::pod::shape;

/// Every pod that this node knows, by uid.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    namespace: String,
    name: String,
    desired: watch::Sender<Desired>,
    /// None for a pod that had ended before this node started.
    worker: Option<JoinHandle<()>>,
    logs: Arc<PodLogs>,
    running: Arc<RunningContainers>,
}

/// The logs of a pod's containers, in the order of its containers.
#[derive(Debug)]
pub(crate) struct PodLogs {
    containers: Vec<(String, Arc<ContainerLog>)>,
}

impl PodLogs {
    fn of(pod: &Pod, directory: &Path) -> Self {
        let spec = pod.spec.as_ref();
        let containers = spec
            .into_iter()
            .flat_map(shape::containers)
            .map(|(_, container)| {
                let log = ContainerLog::open(directory.join(&container.name));
                (container.name.clone(), Arc::new(log))
            });
        Self {
            containers: containers.collect(),
        }
    }

    pub(crate) fn container(&self, name: &str) -> Option<&Arc<ContainerLog>> {
        self.containers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, log)| log)
    }

    /// Names of the containers.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(|(name, _)| name.as_str())
    }
}

impl Pods {
    /// Takes in the newest state of a pod of this node.
    pub(super) fn changed(self: &Arc<Self>, context: &Arc<NodeContext>, pod: Pod) {
        let Some(uid) = pod.uid().filter(|_| has_safe_names(&pod)) else {
            tracing::warn!(pod = pod.name_any(), "a pod with unusable names is ignored");
            return;
        };
        let has_ended = finish::has_ended(&pod);
        let mut entries = self.lock();
        if let Some(entry) = entries.get(&uid) {
            if entry.worker.is_none() && pod.metadata.deletion_timestamp.is_some() {
                tokio::spawn(finish::delete(Arc::clone(context), Arc::new(pod)));
                return;
            }
            entry
                .desired
                .send_modify(|desired| desired.pod = Arc::new(pod));
            return;
        }
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let directory = context.paths.pod_logs(&namespace, &name, &uid);
        let logs = Arc::new(PodLogs::of(&pod, &directory));
        let pod = Arc::new(pod);
        let (desired, changes) = watch::channel(Desired::new(Arc::clone(&pod)));
        let running = Arc::default();
        let worker = if has_ended {
            if pod.metadata.deletion_timestamp.is_some() {
                tokio::spawn(finish::delete(Arc::clone(context), pod));
            }
            None
        } else {
            let worker = PodWorker::new(
                Arc::clone(context),
                changes,
                Arc::clone(&logs),
                Arc::clone(&running),
            );
            let (pods, uid) = (Arc::clone(self), uid.clone());
            Some(tokio::spawn(async move {
                worker.run().await;
                pods.forget(&uid);
            }))
        };
        entries.insert(
            uid,
            Entry {
                namespace,
                name,
                desired,
                worker,
                logs,
                running,
            },
        );
    }

    /// The pod's object is gone.
    pub(super) fn gone(&self, pod: &Pod) {
        let uid = pod.uid().unwrap_or_default();
        let mut entries = self.lock();
        let Some(entry) = entries.get(&uid) else {
            return;
        };
        entry.desired.send_modify(|desired| desired.gone = true);
        if entry.worker.is_none() {
            entries.remove(&uid);
        }
    }

    /// Every pod that is not listed any more is gone.
    pub(super) fn retain(&self, listed: &HashSet<String>) {
        self.lock().retain(|uid, entry| {
            if listed.contains(uid) {
                return true;
            }
            entry.desired.send_modify(|desired| desired.gone = true);
            entry.worker.is_some()
        });
    }

    /// Ends all pods and waits for them, at most for `grace` and a little more.
    pub(crate) async fn stop(&self, grace: Duration) {
        let mut workers = Vec::new();
        for entry in self.lock().values_mut() {
            entry
                .desired
                .send_modify(|desired| desired.node_stops = Some(grace));
            workers.extend(entry.worker.take());
        }
        let deadline = tokio::time::Instant::now() + grace + worker::AFTER_GRACE;
        for mut worker in workers {
            if tokio::time::timeout_at(deadline, &mut worker)
                .await
                .is_err()
            {
                worker.abort();
            }
        }
    }

    /// The logs of the newest pod with this name.
    pub(crate) fn logs(&self, namespace: &str, name: &str) -> Option<Arc<PodLogs>> {
        self.newest(namespace, name, |entry| Arc::clone(&entry.logs))
    }

    /// The running containers of the newest pod with this name.
    pub(crate) fn running(&self, namespace: &str, name: &str) -> Option<Arc<RunningContainers>> {
        self.newest(namespace, name, |entry| Arc::clone(&entry.running))
    }

    fn newest<T>(&self, namespace: &str, name: &str, take: impl Fn(&Entry) -> T) -> Option<T> {
        let entries = self.lock();
        let found = entries
            .values()
            .filter(|entry| entry.namespace == namespace && entry.name == name);
        // While a pod ends, its successor may have the same name already.
        let newest = found.max_by_key(|entry| {
            let desired = entry.desired.borrow();
            let created = desired.pod.metadata.creation_timestamp.as_ref();
            created.map(|time| time.0)
        });
        newest.map(take)
    }

    fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names become parts of paths, so they may not contain anything that leads elsewhere. The API server
/// checks this too.
fn has_safe_names(pod: &Pod) -> bool {
    let metadata = &pod.metadata;
    let own = [&metadata.name, &metadata.namespace, &metadata.uid].map(Option::as_deref);
    let spec = pod.spec.as_ref();
    let containers = spec.into_iter().flat_map(shape::containers);
    let containers = containers.map(|(_, container)| Some(container.name.as_str()));
    let volumes = spec
        .into_iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    let volumes = volumes.map(|volume| Some(volume.name.as_str()));
    own.into_iter()
        .chain(containers)
        .chain(volumes)
        .all(|name| {
            name.is_some_and(|name| {
                !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0', '_'])
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let safe = |name: &str, container: &str| {
            let pod = serde_json::json!({
                "metadata": {"name": name, "namespace": "n", "uid": "u"},
                "spec": {"containers": [{"name": container}]},
            });
            has_safe_names(&serde_json::from_value(pod).expect("a pod"))
        };
        assert!(safe("web-1.a", "main"));
        for bad in ["", "..", "../x", "/etc", "a/b", "a_b"] {
            assert!(!safe(bad, "main"), "{bad}");
            assert!(!safe("web", bad), "{bad}");
        }
    }
}
