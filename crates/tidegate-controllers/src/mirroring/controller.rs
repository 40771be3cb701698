//! Feeds [`mirror`] from the caches and writes what it decides.

use std::sync::Arc;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use tokio_util::sync::CancellationToken;

use super::mirror::{MIRRORING_CONTROLLER, is_mirrored, mirror};
use crate::api::SyncError;
use crate::cluster::{Cluster, Listeners, ObjectKey};
use crate::context::Context;
use crate::slice_writer::SliceWriter;
use crate::slices::labels::{MANAGED_BY, SERVICE_NAME};
use crate::slices::pack::Changes;
use crate::work::{Next, WorkQueue, work};

/// Keeps slices equal to the Endpoints objects that users write.
pub(crate) struct MirroringController {
    cluster: Arc<Cluster>,
    writer: SliceWriter,
    max_endpoints: usize,
    parallelism: usize,
    queue: Arc<WorkQueue<ObjectKey>>,
}

impl MirroringController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            cluster: Arc::clone(&context.cluster),
            writer: SliceWriter::new(context),
            max_endpoints: context.settings.max_endpoints_per_slice,
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::paced(context.endpoint_pace())),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let this = Arc::clone(self);
        listeners.services.push(Box::new(move |change| {
            change.key().into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners.endpoints.push(Box::new(move |change| {
            change.key().into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners.slices.push(Box::new(move |change| {
            let key = change.latest().and_then(|slice| mirrored_service(slice));
            key.into_iter().for_each(|key| this.queue.add(key));
        }));
    }

    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let queue = Arc::clone(&self.queue);
        work(
            "endpointslicemirroring",
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

    async fn sync(&self, key: &ObjectKey) -> Result<Next, SyncError> {
        let labels = [
            (SERVICE_NAME, &*key.name),
            (MANAGED_BY, MIRRORING_CONTROLLER),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let existing = self
            .cluster
            .slices
            .matching(&key.namespace, &labels.into_iter().collect());
        let service = self.cluster.services.get(key);
        let endpoints = self.cluster.endpoints.get(key);
        let changes = match (&service, &endpoints) {
            (Some(service), Some(endpoints)) if is_mirrored(service, endpoints) => {
                mirror(service, endpoints, &existing, self.max_endpoints)
            }
            _ => Changes {
                delete: existing,
                ..Changes::default()
            },
        };
        self.writer.write(changes).await?;
        Ok(Next::Settled)
    }
}

fn mirrored_service(slice: &EndpointSlice) -> Option<ObjectKey> {
    let labels = slice.metadata.labels.as_ref()?;
    let ours = labels.get(MANAGED_BY)? == MIRRORING_CONTROLLER;
    let name = labels.get(SERVICE_NAME)?.as_str();
    ours.then(|| {
        ObjectKey::new(
            slice.metadata.namespace.as_deref().unwrap_or_default(),
            name,
        )
    })
}
