//! Which objects a workload manages: those it owns and that match its selector.
//!
//! A matching object without a manager is adopted; an owned one that stops matching is let go,
//! so that a user can take a pod out of service by changing its label.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Api, Patch, PatchParams};
use kube::core::{Selector, SelectorExt};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::{During, SyncError, is_not_found};
use crate::cluster::ObjectKey;
use crate::object;

/// What becomes of one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Keep,
    Adopt,
    Release,
    Ignore,
}

/// Adopts and releases among `candidates`; answers those that `owner` manages now.
///
/// Before anything is adopted the owner is read again from the API server: adopting for an owner
/// that was deleted in the meantime would hand the objects to the garbage collector.
pub(crate) async fn claim<O, K>(
    client: &Client,
    owner: &O,
    selector: &Selector,
    candidates: Vec<Arc<K>>,
) -> Result<Vec<Arc<K>>, SyncError>
where
    O: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    O: Clone + Debug + DeserializeOwned,
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned,
{
    let namespace = owner.meta().namespace.as_deref().unwrap_or_default();
    let objects: Api<K> = Api::namespaced(client.clone(), namespace);
    let mut owner_is_alive = None;
    let mut owned = Vec::new();
    for candidate in candidates {
        match decide(candidate.meta(), owner.meta(), selector) {
            Claim::Keep => owned.push(candidate),
            Claim::Ignore => {}
            Claim::Release => {
                let kept = references(candidate.meta())
                    .filter(|one| Some(&one.uid) != owner.meta().uid.as_ref());
                set_owners(&objects, candidate.meta(), kept.cloned().collect()).await?;
            }
            Claim::Adopt => {
                let alive = match owner_is_alive {
                    Some(alive) => alive,
                    None => *owner_is_alive.insert(is_alive(client, owner).await?),
                };
                if alive {
                    let owners = references(candidate.meta()).cloned();
                    let owners = owners.chain(object::managed_by(owner)).collect();
                    let adopted = set_owners(&objects, candidate.meta(), owners).await?;
                    owned.extend(adopted.map(Arc::new));
                }
            }
        }
    }
    Ok(owned)
}

fn decide(candidate: &ObjectMeta, owner: &ObjectMeta, selector: &Selector) -> Claim {
    let empty = Default::default();
    let matches = selector.matches(candidate.labels.as_ref().unwrap_or(&empty));
    let owner_ends = owner.deletion_timestamp.is_some();
    match object::controller_of(candidate) {
        Some(manager) if Some(&manager.uid) != owner.uid.as_ref() => Claim::Ignore,
        Some(_) if matches => Claim::Keep,
        Some(_) if owner_ends => Claim::Ignore,
        Some(_) => Claim::Release,
        None if matches && !owner_ends && candidate.deletion_timestamp.is_none() => Claim::Adopt,
        None => Claim::Ignore,
    }
}

fn references(metadata: &ObjectMeta) -> impl Iterator<Item = &OwnerReference> {
    metadata.owner_references.iter().flatten()
}

async fn is_alive<O>(client: &Client, owner: &O) -> Result<bool, SyncError>
where
    O: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    O: Clone + Debug + DeserializeOwned,
{
    let key = ObjectKey::of(owner.meta());
    let api: Api<O> = Api::namespaced(client.clone(), &key.namespace);
    let kind = O::kind(&());
    let fresh = api.get_opt(&key.name).await.during("read", &kind, &key)?;
    Ok(fresh.is_some_and(|fresh| {
        fresh.meta().uid == owner.meta().uid && fresh.meta().deletion_timestamp.is_none()
    }))
}

/// Writes the owners if the object is still the one that was looked at; `None` if it is gone.
async fn set_owners<K>(
    api: &Api<K>,
    metadata: &ObjectMeta,
    owners: Vec<OwnerReference>,
) -> Result<Option<K>, SyncError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let patch = serde_json::json!({"metadata": {
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
        "ownerReferences": owners,
    }});
    let answer = api
        .patch(
            object::name(metadata),
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await;
    match answer {
        Err(error) if is_not_found(&error) => Ok(None),
        answer => {
            let kind = K::kind(&());
            answer
                .map(Some)
                .during("set the owner of", &kind, ObjectKey::of(metadata))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(value: serde_json::Value) -> ObjectMeta {
        serde_json::from_value(value).expect("metadata")
    }

    #[test]
    fn only_matching_objects_without_a_manager_are_adopted() {
        let selector: Selector = [("app", "a")].into_iter().collect();
        let owner = metadata(json!({"uid": "me"}));
        let ending = metadata(json!({"uid": "me", "deletionTimestamp": "2026-01-01T00:00:00Z"}));
        let owned_by = |uid: &str, app: &str| {
            metadata(json!({"labels": {"app": app}, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": uid, "controller": true},
            ]}))
        };
        let free = |app: &str| metadata(json!({"labels": {"app": app}}));

        assert_eq!(decide(&owned_by("me", "a"), &owner, &selector), Claim::Keep);
        assert_eq!(
            decide(&owned_by("me", "b"), &owner, &selector),
            Claim::Release
        );
        assert_eq!(
            decide(&owned_by("you", "a"), &owner, &selector),
            Claim::Ignore
        );
        assert_eq!(decide(&free("a"), &owner, &selector), Claim::Adopt);
        assert_eq!(decide(&free("b"), &owner, &selector), Claim::Ignore);
        assert_eq!(decide(&free("a"), &ending, &selector), Claim::Ignore);
        assert_eq!(
            decide(&owned_by("me", "b"), &ending, &selector),
            Claim::Ignore
        );
    }
}
