//! Carries out what was decided about a Deployment.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet};
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};

use super::controller::COMPONENT;
use super::fleet::Ship;
use super::revision::REVISION;
use super::template::has_template_of;
use crate::api::{
    During, SyncError, is_already_exists, is_namespace_terminating, is_not_found, reason,
};
use crate::cluster::{Cluster, ObjectKey};
use crate::context::Context;
use crate::events::{Recorder, Tone};
use crate::object;

const SET: &str = "ReplicaSet";

/// Writes sets and statuses, and takes the API server's answers into the cache.
pub(super) struct DeploymentWriter {
    client: Client,
    cluster: Arc<Cluster>,
    recorder: Recorder,
}

impl DeploymentWriter {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
            recorder: context.recorder.clone(),
        }
    }

    /// Creates or updates a set; answers false if the decision has to be made again.
    pub(super) async fn write_set(
        &self,
        deployment: &Deployment,
        ship: Ship,
    ) -> Result<bool, SyncError> {
        let key = ObjectKey::of(&ship.wanted.metadata);
        let api: Api<ReplicaSet> = Api::namespaced(self.client.clone(), &key.namespace);
        let params = PostParams::default();
        let before = ship.stored_replicas();
        let answer = if ship.stored.is_some() {
            let answer = api.replace(&key.name, &params, &ship.wanted).await;
            answer.during("update", SET, &key)?
        } else {
            match api.create(&params, &ship.wanted).await {
                Err(error) if is_namespace_terminating(&error) => return Ok(true),
                Err(error) if is_already_exists(&error) => {
                    return self.name_is_taken(deployment, &api, &key).await;
                }
                Err(error) => {
                    let name = &key.name;
                    let message = format!(
                        "Failed to create new replica set {name:?}: {}",
                        reason(&error)
                    );
                    let reason = "ReplicaSetCreateError";
                    self.recorder
                        .note(deployment, COMPONENT, Tone::Warning, reason, message);
                    return Err(error).during("create", SET, &key);
                }
                Ok(answer) => answer,
            }
        };
        self.cluster.replica_sets.store(answer);
        let after = ship.replicas();
        if after != before {
            let direction = if after > before { "up" } else { "down" };
            let name = &key.name;
            let message = format!("Scaled {direction} replica set {name} from {before} to {after}");
            self.recorder.note(
                deployment,
                COMPONENT,
                Tone::Normal,
                "ScalingReplicaSet",
                message,
            );
        }
        Ok(true)
    }

    /// A set of our own that the cache doesn't know yet is used as soon as it does. One of
    /// someone else's makes the Deployment count a collision, which changes the next name.
    async fn name_is_taken(
        &self,
        deployment: &Deployment,
        api: &Api<ReplicaSet>,
        key: &ObjectKey,
    ) -> Result<bool, SyncError> {
        let taken = api.get_opt(&key.name).await.during("read", SET, key)?;
        let ours = taken.as_ref().is_some_and(|set| {
            object::is_controlled_by(&set.metadata, &deployment.metadata)
                && has_template_of(set, deployment)
        });
        match taken {
            Some(set) if ours => {
                self.cluster.replica_sets.store(set);
            }
            Some(_) => {
                let mut status = deployment.status.clone().unwrap_or_default();
                status.collision_count =
                    Some(status.collision_count.unwrap_or(0).saturating_add(1));
                self.replace_status(deployment, status).await?;
            }
            None => {}
        }
        Ok(false)
    }

    /// Deletes a set that has no pods; one that is gone already is no error.
    pub(super) async fn delete_set(&self, set: &ReplicaSet) -> Result<(), SyncError> {
        let key = ObjectKey::of(&set.metadata);
        let api: Api<ReplicaSet> = Api::namespaced(self.client.clone(), &key.namespace);
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: set.metadata.uid.clone(),
            resource_version: None,
        });
        match api.delete(&key.name, &params).await {
            Err(error) if !is_not_found(&error) => Err(error).during("delete", SET, &key),
            _ => Ok(()),
        }
    }

    /// Writes the revision and the status, as far as they differ from what is known.
    pub(super) async fn report(
        &self,
        deployment: &Deployment,
        revision: Option<String>,
        status: DeploymentStatus,
    ) -> Result<(), SyncError> {
        let key = ObjectKey::of(&deployment.metadata);
        let known = object::annotation(&deployment.metadata, REVISION);
        let mut deployment = deployment.clone();
        if revision.is_some() && revision.as_deref() != known {
            let api: Api<Deployment> = Api::namespaced(self.client.clone(), &key.namespace);
            let patch = serde_json::json!({"metadata": {
                "uid": deployment.metadata.uid,
                "annotations": {REVISION: revision},
            }});
            let patch = Patch::Merge(patch);
            let answer = api.patch(&key.name, &PatchParams::default(), &patch).await;
            let answer = answer.during("set the revision of", "Deployment", &key)?;
            // Someone may have changed it meanwhile: the status is then for the next turn.
            if answer.metadata.generation == deployment.metadata.generation {
                deployment = answer.clone();
            }
            self.cluster.deployments.store(answer);
        }
        if deployment.status.as_ref() != Some(&status) {
            self.replace_status(&deployment, status).await?;
        }
        Ok(())
    }

    async fn replace_status(
        &self,
        deployment: &Deployment,
        status: DeploymentStatus,
    ) -> Result<(), SyncError> {
        let key = ObjectKey::of(&deployment.metadata);
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &key.namespace);
        let object = Deployment {
            status: Some(status),
            ..deployment.clone()
        };
        let answer = api
            .replace_status(&key.name, &PostParams::default(), &object)
            .await;
        let answer = answer.during("report the status of", "Deployment", &key)?;
        self.cluster.deployments.store(answer);
        Ok(())
    }
}
