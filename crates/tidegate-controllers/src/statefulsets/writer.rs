//! Carries out what was decided about a StatefulSet.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;

use super::identity::labels;
use super::revisions::Newest;
use super::steps::Step;
use crate::api::{
    During, SyncError, is_already_exists, is_namespace_terminating, is_not_found, reason,
};
use crate::cluster::{Cluster, ObjectKey};
use crate::context::Context;
use crate::events::{Recorder, Tone};
use crate::object;

const COMPONENT: &str = "statefulset-controller";
const REVISION: &str = "ControllerRevision";

/// Writes pods, revisions and statuses.
pub(super) struct StatefulSetWriter {
    client: Client,
    cluster: Arc<Cluster>,
    recorder: Recorder,
}

impl StatefulSetWriter {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            cluster: Arc::clone(&context.cluster),
            recorder: context.recorder.clone(),
        }
    }

    /// Changes one pod. Doing it twice does no harm: names are given and uids are checked.
    pub(super) async fn take(&self, set: &StatefulSet, step: Step) -> Result<(), SyncError> {
        match step {
            Step::Create(pod) => self.create_pod(set, &pod).await,
            Step::Delete(pod) => self.delete_pod(set, &pod).await,
            Step::Label(pod, ordinal) => self.label_pod(&pod, ordinal).await,
        }
    }

    async fn create_pod(&self, set: &StatefulSet, pod: &Pod) -> Result<(), SyncError> {
        let key = ObjectKey::of(&pod.metadata);
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let Err(error) = api.create(&PostParams::default(), pod).await else {
            self.note(
                set,
                Tone::Normal,
                "SuccessfulCreate",
                "create",
                &key,
                "successful",
            );
            return Ok(());
        };
        if is_namespace_terminating(&error) {
            return Ok(());
        }
        if is_already_exists(&error) {
            let taken = api.get_opt(&key.name).await.during("read", "Pod", &key)?;
            let ours = taken
                .as_ref()
                .is_none_or(|taken| object::is_controlled_by(&taken.metadata, &set.metadata));
            // The cache is behind, and the watch will wake us; or the other pod has just gone.
            if ours {
                return Ok(());
            }
        }
        let outcome = format!("failed error: {}", reason(&error));
        self.note(set, Tone::Warning, "FailedCreate", "create", &key, &outcome);
        Err(error).during("create", "Pod", &key)
    }

    async fn delete_pod(&self, set: &StatefulSet, pod: &Pod) -> Result<(), SyncError> {
        let key = ObjectKey::of(&pod.metadata);
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let params = DeleteParams::default().preconditions(Preconditions {
            uid: pod.metadata.uid.clone(),
            resource_version: None,
        });
        match api.delete(&key.name, &params).await {
            Ok(_) => {
                self.note(
                    set,
                    Tone::Normal,
                    "SuccessfulDelete",
                    "delete",
                    &key,
                    "successful",
                );
                Ok(())
            }
            Err(error) if is_not_found(&error) => Ok(()),
            Err(error) => {
                let outcome = format!("failed error: {}", reason(&error));
                self.note(set, Tone::Warning, "FailedDelete", "delete", &key, &outcome);
                Err(error).during("delete", "Pod", &key)
            }
        }
    }

    async fn label_pod(&self, pod: &Pod, ordinal: i32) -> Result<(), SyncError> {
        let key = ObjectKey::of(&pod.metadata);
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let labels: serde_json::Map<_, _> = labels(&key.name, ordinal)
            .map(|(name, value)| (name, json!(value)))
            .into_iter()
            .collect();
        let patch = json!({"metadata": {"uid": pod.metadata.uid, "labels": labels}});
        let params = PatchParams::default();
        let answer = api.patch(&key.name, &params, &Patch::Merge(patch)).await;
        answer.map(|_| ()).during("label", "Pod", &key)
    }

    fn note(
        &self,
        set: &StatefulSet,
        tone: Tone,
        reason: &'static str,
        verb: &str,
        pod: &ObjectKey,
        outcome: &str,
    ) {
        let (pod, name) = (&pod.name, object::name(&set.metadata));
        let message = format!("{verb} Pod {pod} in StatefulSet {name} {outcome}");
        self.recorder.note(set, COMPONENT, tone, reason, message);
    }

    /// Stores the newest revision; `None` if the decision has to be made again.
    pub(super) async fn newest_revision(
        &self,
        set: &StatefulSet,
        newest: Newest,
    ) -> Result<Option<Arc<ControllerRevision>>, SyncError> {
        let stored = match newest {
            Newest::Stored(revision) => return Ok(Some(revision)),
            Newest::Returned(revision, number) => {
                let key = ObjectKey::of(&revision.metadata);
                let api = self.revisions(&key.namespace);
                let patch = json!({"metadata": {"uid": revision.metadata.uid}, "revision": number});
                let params = PatchParams::default();
                let answer = api.patch(&key.name, &params, &Patch::Merge(patch)).await;
                answer.during("renumber", REVISION, &key)?
            }
            Newest::Missing(revision) => {
                let key = ObjectKey::of(&revision.metadata);
                let api = self.revisions(&key.namespace);
                match api.create(&PostParams::default(), &revision).await {
                    Ok(stored) => stored,
                    Err(error) if is_namespace_terminating(&error) => return Ok(None),
                    Err(error) if is_already_exists(&error) => {
                        let taken = api
                            .get_opt(&key.name)
                            .await
                            .during("read", REVISION, &key)?;
                        match taken.map(|taken| (whose(&taken, &revision, set), taken)) {
                            Some((Whose::Ours, taken)) => taken,
                            Some((Whose::Strangers, _)) => {
                                self.count_collision(set).await?;
                                return Ok(None);
                            }
                            Some((Whose::Nobodys, _)) | None => return Ok(None),
                        }
                    }
                    Err(error) => return Err(error).during("create", REVISION, &key),
                }
            }
        };
        self.cluster.controller_revisions.store(stored.clone());
        Ok(Some(Arc::new(stored)))
    }

    /// The name of the revision is taken by another template: the next one has another name.
    async fn count_collision(&self, set: &StatefulSet) -> Result<(), SyncError> {
        let mut status = set.status.clone().unwrap_or_default();
        let collisions = status.collision_count.unwrap_or(0);
        status.collision_count = Some(collisions.saturating_add(1));
        self.report(set, status).await
    }

    /// Deletes a revision; one that is gone already is no error.
    pub(super) async fn delete_revision(
        &self,
        revision: &ControllerRevision,
    ) -> Result<(), SyncError> {
        let key = ObjectKey::of(&revision.metadata);
        let api = self.revisions(&key.namespace);
        match api.delete(&key.name, &DeleteParams::default()).await {
            Err(error) if !is_not_found(&error) => Err(error).during("delete", REVISION, &key),
            _ => Ok(()),
        }
    }

    /// Writes the status if it differs from what is known.
    pub(super) async fn report(
        &self,
        set: &StatefulSet,
        status: StatefulSetStatus,
    ) -> Result<(), SyncError> {
        if set.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let key = ObjectKey::of(&set.metadata);
        let api: Api<StatefulSet> = Api::namespaced(self.client.clone(), &key.namespace);
        let object = StatefulSet {
            status: Some(status),
            ..set.clone()
        };
        let params = PostParams::default();
        let answer = api.replace_status(&key.name, &params, &object).await;
        let answer = answer.during("report the status of", "StatefulSet", &key)?;
        self.cluster.stateful_sets.store(answer);
        Ok(())
    }

    fn revisions(&self, namespace: &str) -> Api<ControllerRevision> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// Who has the revision whose name was to be given.
enum Whose {
    /// This set, and the cache does not know it yet.
    Ours,
    /// A set of the same name that is gone left it: it is soon adopted or deleted.
    Nobodys,
    /// It is something else.
    Strangers,
}

fn whose(taken: &ControllerRevision, wanted: &ControllerRevision, set: &StatefulSet) -> Whose {
    let owner = object::controller_of(&taken.metadata);
    let is_left = owner.is_none_or(|owner| {
        owner.kind == "StatefulSet" && owner.name == object::name(&set.metadata)
    });
    if taken.data != wanted.data {
        Whose::Strangers
    } else if object::is_controlled_by(&taken.metadata, &set.metadata) {
        Whose::Ours
    } else if is_left {
        Whose::Nobodys
    } else {
        Whose::Strangers
    }
}
