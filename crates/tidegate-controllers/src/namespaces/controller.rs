//! Empties namespaces that are being deleted.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, NamespaceStatus};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};
use tokio_util::sync::CancellationToken;

use super::progress::Remains;
use crate::api::{During, SyncError, is_conflict, is_not_found, reason};
use crate::cluster::{Cluster, Listeners, ObjectKey};
use crate::context::Context;
use crate::kinds::{AnyObject, Kind, discover};
use crate::object;
use crate::work::{Next, WorkQueue, work};

/// The finalizer in a namespace's spec that stands for this controller.
const FINALIZER: &str = "kubernetes";

/// Deletes what is in a namespace before the namespace itself goes.
pub(crate) struct NamespaceController {
    client: Client,
    cluster: Arc<Cluster>,
    parallelism: usize,
    queue: Arc<WorkQueue<ObjectKey>>,
}

impl NamespaceController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::new()),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let this = Arc::clone(self);
        listeners.namespaces.push(Box::new(move |change| {
            let ending = change.new.as_ref().filter(|namespace| is_ending(namespace));
            let key = ending.map(|namespace| ObjectKey::of(&namespace.metadata));
            key.into_iter().for_each(|key| this.queue.add(key));
        }));
    }

    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let queue = Arc::clone(&self.queue);
        work("namespace", queue, self.parallelism, shutdown, move |key| {
            let this = Arc::clone(&self);
            async move { this.sync(&key).await }
        })
        .await;
    }

    async fn sync(&self, key: &ObjectKey) -> Result<Next, SyncError> {
        let namespace = self.cluster.namespaces.get(key);
        let Some(namespace) = namespace.filter(|namespace| is_ending(namespace)) else {
            return Ok(Next::Settled);
        };
        let remains = self.empty(&key.name).await?;
        let namespace = self.report(&namespace, &remains).await?;
        if !remains.is_empty() {
            return Ok(Next::Poll);
        }
        self.finalize(&namespace).await?;
        Ok(Next::Settled)
    }

    /// Deletes what there is and tells what has not gone yet.
    async fn empty(&self, namespace: &str) -> Result<Remains, SyncError> {
        let kinds = discover(&self.client).await?;
        let kinds = kinds
            .into_iter()
            .filter(|kind| kind.namespaced && kind.listable && kind.deletable);
        let (pods, others): (Vec<_>, Vec<_>) = kinds.partition(|kind| kind.full_name() == "pods");
        let mut remains = Remains::default();
        for kind in &pods {
            self.empty_kind(kind, namespace, &mut remains).await;
        }
        if remains.is_empty() {
            for kind in &others {
                self.empty_kind(kind, namespace, &mut remains).await;
            }
        }
        Ok(remains)
    }

    async fn empty_kind(&self, kind: &Kind, namespace: &str, remains: &mut Remains) {
        let api = kind.api(&self.client, namespace);
        let emptied = async {
            let present = api.list(&ListParams::default()).await?.items;
            for object in present
                .iter()
                .filter(|object| object.metadata.deletion_timestamp.is_none())
            {
                delete(&api, object).await?;
            }
            match present.is_empty() {
                true => Ok(present),
                false => Ok(api.list(&ListParams::default()).await?.items),
            }
        };
        match emptied.await {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                for finalizer in left
                    .iter()
                    .flat_map(|object| &object.metadata.finalizers)
                    .flatten()
                {
                    *remains.finalizers.entry(finalizer.clone()).or_default() += 1;
                }
                remains.objects.insert(kind.full_name(), left.len());
            }
            // The kind was withdrawn or has no collection here.
            Err(error) if is_not_found(&error) => {}
            Err(error) => {
                remains
                    .failures
                    .push(format!("{}: {}", kind.full_name(), reason(&error)));
            }
        }
    }

    async fn report(
        &self,
        namespace: &Namespace,
        remains: &Remains,
    ) -> Result<Namespace, SyncError> {
        let known = namespace.status.clone().unwrap_or_default();
        let conditions = known.conditions.as_deref().unwrap_or_default();
        let status = NamespaceStatus {
            phase: Some("Terminating".to_owned()),
            conditions: Some(remains.conditions(conditions, Timestamp::now())),
        };
        if namespace.status.as_ref() == Some(&status) {
            return Ok(namespace.clone());
        }
        let name = object::name(&namespace.metadata);
        let api: Api<Namespace> = Api::all(self.client.clone());
        let object = Namespace {
            status: Some(status),
            ..namespace.clone()
        };
        let answer = api
            .replace_status(name, &PostParams::default(), &object)
            .await;
        let answer = answer.during("report the status of", "Namespace", name)?;
        self.cluster.namespaces.store(answer.clone());
        Ok(answer)
    }

    /// Gives the namespace free; the API server removes it when its last finalizer is gone.
    async fn finalize(&self, namespace: &Namespace) -> Result<(), SyncError> {
        let name = object::name(&namespace.metadata);
        let mut object = namespace.clone();
        let spec = object.spec.get_or_insert_default();
        spec.finalizers
            .get_or_insert_default()
            .retain(|finalizer| finalizer != FINALIZER);
        let api: Api<Namespace> = Api::all(self.client.clone());
        let params = PostParams::default();
        match api
            .replace_subresource("finalize", name, &params, &object)
            .await
        {
            Err(error) if is_not_found(&error) => Ok(()),
            answer => answer.during("finalize", "Namespace", name).map(|_| ()),
        }
    }
}

async fn delete(api: &Api<AnyObject>, object: &AnyObject) -> Result<(), kube::Error> {
    let params = DeleteParams::background().preconditions(Preconditions {
        uid: object.metadata.uid.clone(),
        resource_version: None,
    });
    match api.delete(object::name(&object.metadata), &params).await {
        // It went by itself, or another object has its name: the list that follows tells.
        Err(error) if !is_not_found(&error) && !is_conflict(&error) => Err(error),
        _ => Ok(()),
    }
}

fn is_ending(namespace: &Namespace) -> bool {
    let spec = namespace.spec.as_ref();
    let mut finalizers = spec.iter().flat_map(|spec| &spec.finalizers).flatten();
    namespace.metadata.deletion_timestamp.is_some()
        && finalizers.any(|finalizer| finalizer == FINALIZER)
}
