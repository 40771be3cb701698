//! Creates and deletes a ReplicaSet's pods, and keeps count of what is under way.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};

use super::batches::in_growing_batches;
use super::expectations::Expectations;
use super::new_pod::new_pod;
use crate::api::{During, SyncError, is_namespace_terminating, is_not_found, reason};
use crate::cluster::ObjectKey;
use crate::context::Context;
use crate::events::{Recorder, Tone};
use crate::object;

const COMPONENT: &str = "replicaset-controller";

/// Carries out what was decided about the number of pods.
pub(super) struct PodWriter {
    client: Client,
    recorder: Recorder,
    pub(super) expectations: Expectations,
}

impl PodWriter {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            recorder: context.recorder.clone(),
            expectations: Expectations::default(),
        }
    }

    /// Creates pods from the set's template.
    pub(super) async fn create(
        &self,
        replica_set: &ReplicaSet,
        count: usize,
    ) -> Result<(), SyncError> {
        let uid = object::uid(&replica_set.metadata);
        let namespace = replica_set
            .metadata
            .namespace
            .as_deref()
            .unwrap_or_default();
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let pod = new_pod(replica_set);
        self.expectations.expect_creations(uid, count);
        let outcome = in_growing_batches(count, || async {
            let created = api.create(&PostParams::default(), &pod).await?;
            let message = format!("Created pod: {}", object::name(&created.metadata));
            self.recorder.note(
                replica_set,
                COMPONENT,
                Tone::Normal,
                "SuccessfulCreate",
                message,
            );
            Ok(())
        })
        .await;
        self.expectations
            .creations_settled(uid, count - outcome.succeeded);
        match outcome.error {
            Some(error) if !is_namespace_terminating(&error) => {
                let message = format!("Error creating: {}", reason(&error));
                self.recorder.note(
                    replica_set,
                    COMPONENT,
                    Tone::Warning,
                    "FailedCreate",
                    message,
                );
                let name = pod.metadata.generate_name.unwrap_or_default();
                Err(error).during("create", "Pod", name)
            }
            _ => Ok(()),
        }
    }

    /// Deletes these pods, all at once; one that is gone already is no error.
    pub(super) async fn delete(
        &self,
        replica_set: &ReplicaSet,
        victims: Vec<Arc<Pod>>,
    ) -> Result<(), SyncError> {
        let uid = object::uid(&replica_set.metadata);
        let uids = victims.iter().filter_map(|pod| pod.metadata.uid.clone());
        self.expectations.expect_deletions(uid, uids);
        let deletions = victims.iter().map(|pod| self.delete_pod(replica_set, pod));
        let results = futures::future::join_all(deletions).await;
        results.into_iter().find(Result::is_err).unwrap_or(Ok(()))
    }

    async fn delete_pod(&self, replica_set: &ReplicaSet, pod: &Pod) -> Result<(), SyncError> {
        let key = ObjectKey::of(&pod.metadata);
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let params = DeleteParams::default().preconditions(Preconditions {
            uid: pod.metadata.uid.clone(),
            resource_version: None,
        });
        let Err(error) = api.delete(&key.name, &params).await else {
            let message = format!("Deleted pod: {}", key.name);
            self.recorder.note(
                replica_set,
                COMPONENT,
                Tone::Normal,
                "SuccessfulDelete",
                message,
            );
            return Ok(());
        };
        let owner_uid = object::uid(&replica_set.metadata);
        self.expectations
            .deletion_settled(owner_uid, object::uid(&pod.metadata));
        if is_not_found(&error) {
            return Ok(());
        }
        let message = format!("Error deleting: {}", reason(&error));
        self.recorder.note(
            replica_set,
            COMPONENT,
            Tone::Warning,
            "FailedDelete",
            message,
        );
        Err(error).during("delete", "Pod", &key)
    }
}
