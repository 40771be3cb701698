//! Feeds [`decide`] from the caches and carries out what it decides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::core::Selector;
use tokio_util::sync::CancellationToken;

use super::bounds::is_recreate;
use super::rollout::{Input, decide};
use super::writer::DeploymentWriter;
use crate::adoption::claim;
use crate::api::SyncError;
use crate::cluster::{Change, Cluster, Listeners, ObjectKey, workload_selector};
use crate::context::Context;
use crate::events::{Recorder, Tone};
use crate::work::{Next, WorkQueue, work};
use crate::{object, pods};

pub(super) const COMPONENT: &str = "deployment-controller";

/// Rolls every Deployment towards its template and size.
pub(crate) struct DeploymentController {
    client: Client,
    cluster: Arc<Cluster>,
    recorder: Recorder,
    parallelism: usize,
    queue: Arc<WorkQueue<ObjectKey>>,
    writer: DeploymentWriter,
}

impl DeploymentController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
            recorder: context.recorder.clone(),
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::new()),
            writer: DeploymentWriter::new(context),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let this = Arc::clone(self);
        listeners.deployments.push(Box::new(move |change| {
            change.key().into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners
            .replica_sets
            .push(Box::new(move |change| this.replica_set_changed(change)));
        let this = Arc::clone(self);
        listeners
            .pods
            .push(Box::new(move |change| this.pod_changed(change)));
    }

    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let queue = Arc::clone(&self.queue);
        work(
            "deployment",
            queue,
            self.parallelism,
            shutdown,
            move |key| {
                let this = Arc::clone(&self);
                async move { this.sync(&key).await }
            },
        )
        .await;
    }

    fn replica_set_changed(&self, change: &Change<ReplicaSet>) {
        for set in [&change.old, &change.new].into_iter().flatten() {
            let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
            match object::controller_of(&set.metadata) {
                Some(owner) if owner.kind == "Deployment" => {
                    self.queue
                        .add(ObjectKey::new(namespace, owner.name.as_str()));
                }
                Some(_) => {}
                None => {
                    let labels = set.metadata.labels.as_ref();
                    let matching = self
                        .cluster
                        .deployment_selectors
                        .matching(namespace, labels);
                    matching.into_iter().for_each(|key| self.queue.add(key));
                }
            }
        }
    }

    /// Only Recreate waits for pods themselves to end; all else is told by the sets.
    fn pod_changed(&self, change: &Change<Pod>) {
        let ended = change
            .latest()
            .filter(|pod| change.new.is_none() || pods::is_finished(pod));
        let set = ended.and_then(|pod| {
            let owner = object::controller_of(&pod.metadata)?;
            let namespace = pod.metadata.namespace.as_deref()?;
            let key = ObjectKey::new(namespace, owner.name.as_str());
            self.cluster.replica_sets.get(&key)
        });
        if let Some(set) = set {
            self.replica_set_changed(&Change {
                old: None,
                new: Some(set),
            });
        }
    }

    async fn sync(&self, key: &ObjectKey) -> Result<Next, SyncError> {
        let Some(deployment) = self.cluster.deployments.get(key) else {
            return Ok(Next::Settled);
        };
        let spec = deployment.spec.as_ref();
        let Some(selector) = spec.and_then(|spec| workload_selector(&spec.selector)) else {
            let message =
                "This deployment is selecting all pods. A non-empty selector is required.";
            let message = message.to_owned();
            self.recorder.note(
                &*deployment,
                COMPONENT,
                Tone::Warning,
                "SelectingAll",
                message,
            );
            return Ok(Next::Settled);
        };
        let candidates = self.candidates(&deployment, &selector);
        let replica_sets = claim(&self.client, &*deployment, &selector, candidates).await?;
        let decision = decide(&Input {
            deployment: &deployment,
            running: &self.running(&deployment, &replica_sets),
            replica_sets: &replica_sets,
            now: Timestamp::now(),
        });
        for ship in decision.ships {
            if !self.writer.write_set(&deployment, ship).await? {
                return Ok(Next::Poll);
            }
        }
        for set in decision.expired {
            self.writer.delete_set(&set).await?;
        }
        self.writer
            .report(&deployment, decision.revision, decision.status)
            .await?;
        let grace = Duration::from_secs(1);
        Ok(decision
            .stuck_in
            .map_or(Next::Settled, |left| Next::After(left + grace)))
    }

    fn candidates(&self, deployment: &Deployment, selector: &Selector) -> Vec<Arc<ReplicaSet>> {
        let namespace = deployment.metadata.namespace.as_deref().unwrap_or_default();
        let matching = self.cluster.replica_sets.matching(namespace, selector);
        let owned = self
            .cluster
            .replica_sets
            .owned_by(object::uid(&deployment.metadata));
        let all = matching.into_iter().chain(owned);
        let by_name: BTreeMap<_, _> = all
            .filter(|set| set.metadata.namespace.as_deref() == Some(namespace))
            .map(|set| (set.metadata.name.clone(), set))
            .collect();
        by_name.into_values().collect()
    }

    /// The sets that have pods which have not ended.
    fn running(&self, deployment: &Deployment, sets: &[Arc<ReplicaSet>]) -> Vec<String> {
        if !is_recreate(deployment) {
            return Vec::new();
        }
        let uids = sets.iter().filter_map(|set| set.metadata.uid.clone());
        uids.filter(|uid| {
            let pods = self.cluster.pods.owned_by(uid);
            pods.iter().any(|pod| !pods::is_finished(pod))
        })
        .collect()
    }
}
