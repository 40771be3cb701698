//! Feeds the decisions about StatefulSets from the caches and carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::core::Selector;
use tokio_util::sync::CancellationToken;

use super::identity::ordinal_of;
use super::revisions::{expired, newest};
use super::status::status;
use super::steps::{Input, steps};
use super::writer::StatefulSetWriter;
use crate::adoption::claim;
use crate::api::SyncError;
use crate::cluster::{Cache, Change, Cluster, Listeners, ObjectKey, workload_selector};
use crate::context::Context;
use crate::object;
use crate::work::{Next, WorkQueue, work};

/// Keeps every StatefulSet's pods as it asks for.
pub(crate) struct StatefulSetController {
    client: Client,
    cluster: Arc<Cluster>,
    parallelism: usize,
    queue: Arc<WorkQueue<ObjectKey>>,
    writer: StatefulSetWriter,
}

impl StatefulSetController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::new()),
            writer: StatefulSetWriter::new(context),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let this = Arc::clone(self);
        listeners.stateful_sets.push(Box::new(move |change| {
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
            "statefulset",
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

    /// Wakes the sets that the pod belongs or belonged to, or could belong to.
    fn pod_changed(&self, change: &Change<Pod>) {
        let Some(pod) = change.latest() else {
            return;
        };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        for state in [&change.old, &change.new].into_iter().flatten() {
            if let Some(owner) = object::controller_of(&state.metadata)
                && owner.kind == "StatefulSet"
            {
                self.queue
                    .add(ObjectKey::new(namespace, owner.name.as_str()));
            }
        }
        if object::controller_of(&pod.metadata).is_none() && change.new.is_some() {
            let labels = pod.metadata.labels.as_ref();
            let selectors = &self.cluster.stateful_set_selectors;
            let matching = selectors.matching(namespace, labels);
            matching.into_iter().for_each(|key| self.queue.add(key));
        }
    }

    async fn sync(&self, key: &ObjectKey) -> Result<Next, SyncError> {
        let Some(set) = self.cluster.stateful_sets.get(key) else {
            return Ok(Next::Settled);
        };
        let spec = set.spec.as_ref();
        let Some(selector) = spec.and_then(|spec| workload_selector(&spec.selector)) else {
            tracing::warn!(stateful_set = %key, "the selector is empty or malformed; nothing is done");
            return Ok(Next::Settled);
        };
        let revisions = &self.cluster.controller_revisions;
        let candidates = self::candidates(revisions, &set, &selector);
        let revisions = claim(&self.client, &*set, &selector, candidates).await?;
        let newest = newest(&set, &revisions);
        let Some(update) = self.writer.newest_revision(&set, newest).await? else {
            return Ok(Next::Poll);
        };
        let current = current_revision(&set, &revisions).unwrap_or_else(|| Arc::clone(&update));
        // A pod with a name that the set would not give is none of its own.
        let mut candidates = self::candidates(&self.cluster.pods, &set, &selector);
        candidates.retain(|pod| ordinal_of(&set, &pod.metadata).is_some());
        let pods = claim(&self.client, &*set, &selector, candidates).await?;
        let input = Input {
            stateful_set: &set,
            pods: &pods,
            current: &current,
            update: &update,
            now: Timestamp::now(),
        };
        let mut taken = Ok(());
        for step in steps(&input) {
            taken = taken.and(self.writer.take(&set, step).await);
        }
        let (status, next_available) = status(&input);
        self.writer.report(&set, status).await?;
        taken?;
        for revision in expired(&set, &revisions, [&current, &update], &pods) {
            self.writer.delete_revision(&revision).await?;
        }
        Ok(next_available.map_or(Next::Settled, Next::After))
    }
}

/// What the set owns or could adopt, by name.
fn candidates<K>(cache: &Cache<K>, set: &StatefulSet, selector: &Selector) -> Vec<Arc<K>>
where
    K: k8s_openapi::Metadata<Ty = ObjectMeta>,
{
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    let matching = cache.matching(namespace, selector);
    let owned = cache.owned_by(object::uid(&set.metadata));
    let all = matching.into_iter().chain(owned);
    let by_name: BTreeMap<_, _> = all
        .filter(|object| object.metadata().namespace.as_deref() == Some(namespace))
        .map(|object| (object.metadata().name.clone(), object))
        .collect();
    by_name.into_values().collect()
}

/// The revision that the last finished update led to.
fn current_revision(
    set: &StatefulSet,
    revisions: &[Arc<ControllerRevision>],
) -> Option<Arc<ControllerRevision>> {
    let name = set.status.as_ref()?.current_revision.as_ref();
    let mut revisions = revisions.iter();
    revisions
        .find(|revision| revision.metadata.name.as_ref() == name)
        .cloned()
}
