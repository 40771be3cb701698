//! Feeds the decisions about ReplicaSets from the caches and carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, PostParams};
use kube::core::Selector;
use tokio_util::sync::CancellationToken;

use super::pod_writer::PodWriter;
use super::ranking::deletion_order;
use super::status::{Failure, same, status};
use crate::adoption::claim;
use crate::api::{During, SyncError};
use crate::cluster::{Change, Cluster, Listeners, ObjectKey, workload_selector};
use crate::context::Context;
use crate::work::{Next, WorkQueue, work};
use crate::{object, pods};

/// How many pods are created or deleted in one turn (upstream's burst).
const BURST: usize = 500;

/// Keeps as many pods as each ReplicaSet asks for.
pub(crate) struct ReplicaSetController {
    client: Client,
    cluster: Arc<Cluster>,
    pods: PodWriter,
    parallelism: usize,
    queue: Arc<WorkQueue<ObjectKey>>,
}

impl ReplicaSetController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
            pods: PodWriter::new(context),
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::new()),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let this = Arc::clone(self);
        listeners.replica_sets.push(Box::new(move |change| {
            if let (Some(gone), None) = (&change.old, &change.new) {
                this.pods.expectations.forget(object::uid(&gone.metadata));
            }
            change.key().into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners
            .pods
            .push(Box::new(move |change| this.pod_changed(change)));
    }

    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let queue = Arc::clone(&self.queue);
        work(
            "replicaset",
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

    /// Settles what was expected of the pod and wakes the sets that it belongs or belonged to.
    fn pod_changed(&self, change: &Change<Pod>) {
        let Some(pod) = change.latest() else {
            return;
        };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        for state in [&change.old, &change.new].into_iter().flatten() {
            if let Some(owner) = object::controller_of(&state.metadata)
                && owner.kind == "ReplicaSet"
            {
                if change.old.is_none() {
                    self.pods.expectations.creations_settled(&owner.uid, 1);
                }
                if change.new.is_none() || pods::is_terminating(state) {
                    let uid = object::uid(&state.metadata);
                    self.pods.expectations.deletion_settled(&owner.uid, uid);
                }
                self.queue
                    .add(ObjectKey::new(namespace, owner.name.as_str()));
            }
        }
        if object::controller_of(&pod.metadata).is_none() && change.new.is_some() {
            let labels = pod.metadata.labels.as_ref();
            let matching = self
                .cluster
                .replica_set_selectors
                .matching(namespace, labels);
            matching.into_iter().for_each(|key| self.queue.add(key));
        }
    }

    async fn sync(&self, key: &ObjectKey) -> Result<Next, SyncError> {
        let Some(replica_set) = self.cluster.replica_sets.get(key) else {
            return Ok(Next::Settled);
        };
        let spec = replica_set.spec.as_ref();
        let Some(selector) = spec.and_then(|spec| workload_selector(&spec.selector)) else {
            tracing::warn!(replica_set = %key, "the selector is empty or malformed; nothing is done");
            return Ok(Next::Settled);
        };
        let uid = object::uid(&replica_set.metadata);
        let counting_is_safe = self.pods.expectations.are_met(uid);
        let candidates = self.candidates(&replica_set, &selector);
        let owned = claim(&self.client, &*replica_set, &selector, candidates).await?;
        let ending = replica_set.metadata.deletion_timestamp.is_some();
        let managed = if counting_is_safe && !ending {
            self.manage(&replica_set, &owned).await
        } else {
            Ok(())
        };
        let failure = managed.as_ref().err().map(|(reason, error)| Failure {
            reason,
            message: error.in_short(),
        });
        let next_available = self.report(&replica_set, &owned, failure).await?;
        managed.map_err(|(_, error)| error)?;
        Ok(next_available.map_or(Next::Settled, Next::After))
    }

    fn candidates(&self, replica_set: &ReplicaSet, selector: &Selector) -> Vec<Arc<Pod>> {
        let namespace = replica_set
            .metadata
            .namespace
            .as_deref()
            .unwrap_or_default();
        let matching = self.cluster.pods.matching(namespace, selector);
        let owned = self
            .cluster
            .pods
            .owned_by(object::uid(&replica_set.metadata));
        let all = matching.into_iter().chain(owned);
        let by_name: BTreeMap<_, _> = all
            .filter(|pod| pod.metadata.namespace.as_deref() == Some(namespace))
            .map(|pod| (pod.metadata.name.clone(), pod))
            .collect();
        by_name.into_values().collect()
    }

    /// Creates or deletes the difference. An error carries the reason for the status.
    async fn manage(
        &self,
        replica_set: &ReplicaSet,
        owned: &[Arc<Pod>],
    ) -> Result<(), (&'static str, SyncError)> {
        let active: Vec<_> = owned
            .iter()
            .filter(|pod| pods::is_active(pod))
            .cloned()
            .collect();
        let wanted = replica_set
            .spec
            .as_ref()
            .and_then(|spec| spec.replicas)
            .unwrap_or(1);
        let wanted = usize::try_from(wanted).unwrap_or(0);
        if active.len() < wanted {
            let missing = (wanted - active.len()).min(BURST);
            let created = self.pods.create(replica_set, missing).await;
            created.map_err(|error| ("FailedCreate", error))
        } else if active.len() > wanted {
            let surplus = (active.len() - wanted).min(BURST);
            let related = self.related(replica_set);
            let mut victims = deletion_order(&active, &related, Timestamp::now());
            victims.truncate(surplus);
            let deleted = self.pods.delete(replica_set, victims).await;
            deleted.map_err(|error| ("FailedDelete", error))
        } else {
            Ok(())
        }
    }

    /// The active pods of all sets with the same manager, for example of one Deployment.
    fn related(&self, replica_set: &ReplicaSet) -> Vec<Arc<Pod>> {
        let own_uid = object::uid(&replica_set.metadata);
        let manager = object::controller_of(&replica_set.metadata);
        let siblings = manager.map(|manager| self.cluster.replica_sets.owned_by(&manager.uid));
        let uids: Vec<String> = match siblings {
            Some(siblings) => siblings
                .iter()
                .filter_map(|set| set.metadata.uid.clone())
                .collect(),
            None => vec![own_uid.to_owned()],
        };
        let pods = uids.iter().flat_map(|uid| self.cluster.pods.owned_by(uid));
        pods.filter(|pod| pods::is_active(pod)).collect()
    }

    async fn report(
        &self,
        replica_set: &ReplicaSet,
        owned: &[Arc<Pod>],
        failure: Option<Failure>,
    ) -> Result<Option<std::time::Duration>, SyncError> {
        let (status, next_available) = status(replica_set, owned, failure, Timestamp::now());
        let known = replica_set.status.clone().unwrap_or_default();
        if !same(&known, &status) {
            let key = ObjectKey::of(&replica_set.metadata);
            let api: Api<ReplicaSet> = Api::namespaced(self.client.clone(), &key.namespace);
            let object = ReplicaSet {
                status: Some(status),
                ..replica_set.clone()
            };
            let answer = api
                .replace_status(&key.name, &PostParams::default(), &object)
                .await;
            let answer = answer.during("report the status of", "ReplicaSet", &key)?;
            self.cluster.replica_sets.store(answer);
        }
        Ok(next_available)
    }
}
