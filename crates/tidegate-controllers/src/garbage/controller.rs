//! Carries out what [`decide`] says about objects that the graph points to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use k8s_openapi::Resource;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use tokio_util::sync::CancellationToken;

use super::decide::{OwnerState, Verdict, decide};
use super::graph::{FOREGROUND, Graph, Identity, KindName, ORPHAN, is};
use super::sources;
use crate::api::{During, SyncError, is_not_found};
use crate::cluster::{Change, Listener, Listeners, ObjectKey};
use crate::context::Context;
use crate::kinds::{AnyObject, Kind};
use crate::object;
use crate::work::{Next, WorkQueue, work};

/// Deletes what nobody owns any more.
pub(crate) struct GarbageController {
    client: Client,
    parallelism: usize,
    queue: Arc<WorkQueue<Identity>>,
    graph: Mutex<Graph>,
    kinds: RwLock<Vec<Kind>>,
}

impl GarbageController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            client: context.client.clone(),
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::new()),
            graph: Mutex::default(),
            kinds: RwLock::default(),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        listeners.services.push(self.listener());
        listeners.pods.push(self.listener());
        listeners.nodes.push(self.listener());
        listeners.slices.push(self.listener());
        listeners.endpoints.push(self.listener());
        listeners.deployments.push(self.listener());
        listeners.replica_sets.push(self.listener());
        listeners.stateful_sets.push(self.listener());
        listeners.controller_revisions.push(self.listener());
        listeners.namespaces.push(self.listener());
    }

    /// Call when the shared caches are complete.
    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let watching = sources::watch_all(self.client.clone(), Arc::clone(&self));
        let stop = shutdown.clone();
        let watching = async move { stop.run_until_cancelled(watching).await };
        let queue = Arc::clone(&self.queue);
        let working = work(
            "garbage",
            queue,
            self.parallelism,
            shutdown,
            move |identity| {
                let this = Arc::clone(&self);
                async move { this.sync(&identity).await }
            },
        );
        tokio::join!(watching, working);
    }

    pub(super) fn kinds_known(&self, kinds: Vec<Kind>) {
        *self.kinds.write().unwrap_or_else(PoisonError::into_inner) = kinds;
    }

    pub(super) fn seen(&self, kind: &KindName, metadata: &ObjectMeta) {
        let affected = lock(&self.graph).observe(kind, metadata);
        affected
            .into_iter()
            .for_each(|identity| self.queue.add(identity));
    }

    pub(super) fn gone(&self, uid: &str) {
        let affected = lock(&self.graph).remove(uid);
        affected
            .into_iter()
            .for_each(|identity| self.queue.add(identity));
    }

    fn listener<K>(self: &Arc<Self>) -> Listener<K>
    where
        K: Resource + k8s_openapi::Metadata<Ty = ObjectMeta>,
    {
        let this = Arc::clone(self);
        let kind = KindName {
            api_version: K::API_VERSION.into(),
            kind: K::KIND.into(),
        };
        Box::new(move |change: &Change<K>| {
            let uid = |object: &Arc<K>| object.metadata().uid.clone();
            let old = change.old.as_ref().and_then(uid);
            let new = change.new.as_ref().and_then(uid);
            if old != new {
                old.iter().for_each(|uid| this.gone(uid));
            }
            if let Some(object) = &change.new {
                this.seen(&kind, object.metadata());
            }
        })
    }

    async fn sync(&self, identity: &Identity) -> Result<Next, SyncError> {
        if !lock(&self.graph).needs_a_look(&identity.uid) {
            return Ok(Next::Settled);
        }
        let Some(kind) = self.kind(&identity.kind) else {
            return Ok(Next::Poll);
        };
        let api = kind.api(&self.client, &identity.key.namespace);
        let fresh = api.get_opt(&identity.key.name).await;
        let fresh = fresh.during("read", &identity.kind.kind, &identity.key)?;
        let Some(object) = fresh.filter(|object| is(&object.metadata, identity)) else {
            return Ok(Next::Settled);
        };
        if object.metadata.deletion_timestamp.is_some() {
            self.release_dependents(&api, identity, &object.metadata)
                .await?;
        }
        let mut owners = Vec::new();
        for owner in object.metadata.owner_references.clone().unwrap_or_default() {
            let state = self.owner_state(identity, &owner).await?;
            owners.push((owner, state));
        }
        let owns_something = !lock(&self.graph).dependents_of(&identity.uid).is_empty();
        match decide(&object.metadata, &owners, owns_something) {
            Verdict::Keep => {}
            Verdict::KeepWith(owners) => {
                let patch = serde_json::json!({"ownerReferences": owners});
                patch_metadata(&api, identity, &object.metadata, patch).await?;
            }
            Verdict::Delete(policy) => {
                let params = DeleteParams {
                    propagation_policy: Some(policy),
                    preconditions: Some(Preconditions {
                        uid: object.metadata.uid.clone(),
                        resource_version: object.metadata.resource_version.clone(),
                    }),
                    ..DeleteParams::default()
                };
                match api.delete(&identity.key.name, &params).await {
                    Err(error) if is_not_found(&error) => {}
                    answer => {
                        answer.during("delete", &identity.kind.kind, &identity.key)?;
                        tracing::info!(object = %identity, "deleted what nobody owns any more");
                    }
                }
            }
        }
        Ok(Next::Settled)
    }

    /// An object that is being deleted and waits for what it owns: lets go what it is to leave
    /// behind, and gives it free itself when nothing blocks it any more.
    async fn release_dependents(
        &self,
        api: &Api<AnyObject>,
        identity: &Identity,
        metadata: &ObjectMeta,
    ) -> Result<(), SyncError> {
        let finalizers = metadata.finalizers.clone().unwrap_or_default();
        let has = |finalizer: &str| finalizers.iter().any(|one| one == finalizer);
        let mut finished = None;
        if has(ORPHAN) {
            let dependents = lock(&self.graph).dependents_of(&identity.uid);
            for dependent in dependents {
                self.orphan(&dependent, &identity.uid).await?;
            }
            finished = Some(ORPHAN);
        } else if has(FOREGROUND) && !lock(&self.graph).is_blocked(&identity.uid) {
            finished = Some(FOREGROUND);
        }
        if let Some(finished) = finished {
            let left: Vec<_> = finalizers.iter().filter(|one| *one != finished).collect();
            let patch = serde_json::json!({"finalizers": left});
            patch_metadata(api, identity, metadata, patch).await?;
        }
        Ok(())
    }

    /// Takes one owner from an object.
    async fn orphan(&self, dependent: &Identity, owner: &str) -> Result<(), SyncError> {
        let Some(kind) = self.kind(&dependent.kind) else {
            return Err(unknown_kind(dependent, &dependent.kind));
        };
        let api = kind.api(&self.client, &dependent.key.namespace);
        let fresh = api.get_opt(&dependent.key.name).await;
        let fresh = fresh.during("read", &dependent.kind.kind, &dependent.key)?;
        let Some(object) = fresh.filter(|object| is(&object.metadata, dependent)) else {
            return Ok(());
        };
        let owners = object.metadata.owner_references.iter().flatten();
        let kept: Vec<_> = owners.filter(|one| one.uid != owner).collect();
        let patch = serde_json::json!({"ownerReferences": kept});
        patch_metadata(&api, dependent, &object.metadata, patch).await
    }

    /// An owner in the graph is there. One that is not is looked for by name, and counts as
    /// absent only if nothing has its name, or what has it has another uid.
    async fn owner_state(
        &self,
        dependent: &Identity,
        owner: &OwnerReference,
    ) -> Result<OwnerState, SyncError> {
        {
            let graph = lock(&self.graph);
            if graph.is_waiting(&owner.uid) {
                return Ok(OwnerState::Waiting);
            }
            if graph.is_present(&owner.uid) {
                return Ok(OwnerState::Alive);
            }
        }
        let name = KindName {
            api_version: owner.api_version.as_str().into(),
            kind: owner.kind.as_str().into(),
        };
        let kind = self
            .kind(&name)
            .ok_or_else(|| unknown_kind(dependent, &name))?;
        let api = kind.api(&self.client, &dependent.key.namespace);
        let fresh = api.get_opt(&owner.name).await;
        let key = ObjectKey::new(&*dependent.key.namespace, owner.name.as_str());
        let fresh = fresh.during("read", &owner.kind, &key)?;
        let alive = fresh.is_some_and(|fresh| object::uid(&fresh.metadata) == owner.uid);
        Ok(if alive {
            OwnerState::Alive
        } else {
            OwnerState::Absent
        })
    }

    /// The kind that serves a reference, in whatever version the server prefers.
    fn kind(&self, name: &KindName) -> Option<Kind> {
        let group = name
            .api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group);
        let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
        let mut fitting = kinds.iter();
        let found =
            fitting.find(|kind| kind.resource.kind == *name.kind && kind.resource.group == group);
        found.cloned()
    }
}

fn unknown_kind(dependent: &Identity, kind: &KindName) -> SyncError {
    SyncError::UnknownOwnerKind {
        dependent: dependent.to_string(),
        owner: format!("{} {}", kind.api_version, kind.kind),
    }
}

/// Patches the metadata of exactly the state that was looked at.
async fn patch_metadata(
    api: &Api<AnyObject>,
    identity: &Identity,
    metadata: &ObjectMeta,
    mut patch: serde_json::Value,
) -> Result<(), SyncError> {
    patch["uid"] = serde_json::json!(metadata.uid);
    patch["resourceVersion"] = serde_json::json!(metadata.resource_version);
    let patch = Patch::Merge(serde_json::json!({"metadata": patch}));
    match api
        .patch(&identity.key.name, &PatchParams::default(), &patch)
        .await
    {
        Err(error) if is_not_found(&error) => Ok(()),
        answer => {
            answer.during("patch", &identity.kind.kind, &identity.key)?;
            Ok(())
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
