//! Writes slice changes, for both controllers that make slices.

use std::sync::Arc;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};

use crate::api::{During, SyncError, is_namespace_terminating, is_not_found};
use crate::cluster::{Cluster, ObjectKey};
use crate::context::Context;
use crate::slices::pack::Changes;

const KIND: &str = "EndpointSlice";

/// Carries [`Changes`] to the API server and its answers into the cache.
pub(crate) struct SliceWriter {
    client: Client,
    cluster: Arc<Cluster>,
}

impl SliceWriter {
    pub(crate) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
        }
    }

    /// Creates, then updates, then deletes, so that no endpoint is missing in between.
    pub(crate) async fn write(&self, changes: Changes) -> Result<(), SyncError> {
        for slice in changes.create {
            self.create(slice).await?;
        }
        for slice in changes.update {
            self.update(slice).await?;
        }
        for slice in changes.delete {
            self.delete(&slice).await?;
        }
        Ok(())
    }

    async fn create(&self, slice: EndpointSlice) -> Result<(), SyncError> {
        let created = self
            .api(&slice)
            .create(&PostParams::default(), &slice)
            .await;
        match created {
            // Everything in the namespace is about to go, slices too.
            Err(error) if is_namespace_terminating(&error) => Ok(()),
            answer => {
                let prefix = slice.metadata.generate_name.unwrap_or_default();
                self.remember(answer.during("create", KIND, prefix)?);
                Ok(())
            }
        }
    }

    async fn update(&self, slice: EndpointSlice) -> Result<(), SyncError> {
        let key = ObjectKey::of(&slice.metadata);
        let api = self.api(&slice);
        let answer = api.replace(&key.name, &PostParams::default(), &slice).await;
        self.remember(answer.during("update", KIND, &key)?);
        Ok(())
    }

    async fn delete(&self, slice: &EndpointSlice) -> Result<(), SyncError> {
        let key = ObjectKey::of(&slice.metadata);
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: slice.metadata.uid.clone(),
            resource_version: None,
        });
        match self.api(slice).delete(&key.name, &params).await {
            Err(error) if !is_not_found(&error) => Err(error).during("delete", KIND, &key),
            _ => {
                self.cluster.slices.remove(&slice.metadata);
                Ok(())
            }
        }
    }

    fn remember(&self, slice: EndpointSlice) {
        self.cluster.slices.store(slice);
    }

    fn api(&self, slice: &EndpointSlice) -> Api<EndpointSlice> {
        let namespace = slice.metadata.namespace.as_deref().unwrap_or_default();
        Api::namespaced(self.client.clone(), namespace)
    }
}
