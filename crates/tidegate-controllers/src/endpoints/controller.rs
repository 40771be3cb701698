//! Feeds [`subsets`] from the caches and writes the Endpoints object.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Endpoints, Service};
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use tokio_util::sync::CancellationToken;

use super::labels::{self, ENDPOINTS_CONTROLLER, MANAGED_BY, OVER_CAPACITY};
use super::subsets::{Subsets, subsets};
use crate::api::{During, SyncError, is_namespace_terminating, is_not_found};
use crate::cluster::{Cluster, Listeners, ObjectKey, service_selector};
use crate::context::Context;
use crate::pod_changes::services_touched;
use crate::slices::{TRIGGER_TIME_ANNOTATION, TriggerTimes};
use crate::work::{Next, WorkQueue, work};

const KIND: &str = "Endpoints";
/// How many addresses an Endpoints object may hold (upstream's limit).
const MAX_ADDRESSES: usize = 1000;

/// Keeps the Endpoints object of every Service with a selector equal to its pods.
pub(crate) struct EndpointsController {
    client: Client,
    cluster: Arc<Cluster>,
    parallelism: usize,
    queue: Arc<WorkQueue<ObjectKey>>,
    triggers: Mutex<TriggerTimes>,
}

impl EndpointsController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::paced(context.endpoint_pace())),
            triggers: Mutex::default(),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let this = Arc::clone(self);
        listeners.services.push(Box::new(move |change| {
            change.key().into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners.pods.push(Box::new(move |change| {
            let touched = services_touched(&this.cluster, change);
            touched.into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners.endpoints.push(Box::new(move |change| {
            let endpoints = change.latest().filter(|endpoints| is_ours(endpoints));
            let key = endpoints.map(|endpoints| ObjectKey::of(&endpoints.metadata));
            key.into_iter().for_each(|key| this.queue.add(key));
        }));
    }

    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let queue = Arc::clone(&self.queue);
        work("endpoints", queue, self.parallelism, shutdown, move |key| {
            let this = Arc::clone(&self);
            async move { this.sync(&key).await }
        })
        .await;
    }

    async fn sync(&self, key: &ObjectKey) -> Result<Next, SyncError> {
        let Some(service) = self.cluster.services.get(key) else {
            self.triggers().forget(key);
            self.remove_leftover(key).await?;
            return Ok(Next::Settled);
        };
        let Some(selector) = service_selector(&service) else {
            return Ok(Next::Settled);
        };
        if service.metadata.deletion_timestamp.is_some() {
            return Ok(Next::Settled);
        }
        let pods = self.cluster.pods.matching(&key.namespace, &selector);
        let triggered = self.triggers().observe(key, &service, &pods);
        let known = self.cluster.endpoints.get(key);
        let wanted = subsets(&service, &pods, MAX_ADDRESSES);
        if let Some(object) = updated(known.as_deref(), &service, wanted, triggered) {
            self.write(key, object).await?;
        }
        Ok(Next::Settled)
    }

    async fn write(&self, key: &ObjectKey, object: Endpoints) -> Result<(), SyncError> {
        let api: Api<Endpoints> = Api::namespaced(self.client.clone(), &key.namespace);
        let params = PostParams::default();
        let answer = if object.metadata.resource_version.is_some() {
            api.replace(&key.name, &params, &object)
                .await
                .during("update", KIND, key)?
        } else {
            match api.create(&params, &object).await {
                Err(error) if is_namespace_terminating(&error) => return Ok(()),
                answer => answer.during("create", KIND, key)?,
            }
        };
        self.cluster.endpoints.store(answer);
        Ok(())
    }

    /// The Service went while nobody was looking. What a user made stays.
    async fn remove_leftover(&self, key: &ObjectKey) -> Result<(), SyncError> {
        let known = self.cluster.endpoints.get(key);
        let Some(leftover) = known.filter(|endpoints| is_ours(endpoints)) else {
            return Ok(());
        };
        let api: Api<Endpoints> = Api::namespaced(self.client.clone(), &key.namespace);
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: leftover.metadata.uid.clone(),
            resource_version: None,
        });
        match api.delete(&key.name, &params).await {
            Err(error) if !is_not_found(&error) => Err(error).during("delete", KIND, key),
            _ => Ok(()),
        }
    }

    fn triggers(&self) -> std::sync::MutexGuard<'_, TriggerTimes> {
        self.triggers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_ours(endpoints: &Endpoints) -> bool {
    let labels = endpoints.metadata.labels.as_ref();
    labels
        .and_then(|labels| labels.get(MANAGED_BY))
        .is_some_and(|by| by == ENDPOINTS_CONTROLLER)
}

/// The object to write; `None` if the known one is as it should be.
fn updated(
    known: Option<&Endpoints>,
    service: &Service,
    wanted: Subsets,
    triggered: Option<Timestamp>,
) -> Option<Endpoints> {
    let labels = labels::for_service(service);
    let mut object = known.cloned().unwrap_or_default();
    let annotations = object.metadata.annotations.get_or_insert_default();
    let was_truncated = annotations.remove(OVER_CAPACITY).is_some();
    if known.is_some()
        && was_truncated == wanted.truncated
        && object.metadata.labels.as_ref() == Some(&labels)
        && object.subsets.as_deref().unwrap_or_default() == wanted.subsets
    {
        return None;
    }
    if wanted.truncated {
        annotations.insert(OVER_CAPACITY.to_owned(), "truncated".to_owned());
    }
    match triggered {
        Some(time) => annotations.insert(TRIGGER_TIME_ANNOTATION.to_owned(), time.to_string()),
        None => annotations.remove(TRIGGER_TIME_ANNOTATION),
    };
    object
        .metadata
        .namespace
        .clone_from(&service.metadata.namespace);
    object.metadata.name.clone_from(&service.metadata.name);
    object.metadata.labels = Some(labels);
    object.subsets = Some(wanted.subsets);
    Some(object)
}
