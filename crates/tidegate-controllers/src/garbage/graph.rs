//! Who is owned by whom.
//!
//! Most objects neither own nor are owned; of those only the uid is kept.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::cluster::ObjectKey;
use crate::object;

/// The finalizer of an owner that waits for what it owns to go first.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an owner that leaves what it owns behind.
pub(super) const ORPHAN: &str = "orphan";

/// `apiVersion` and `kind`, as owner references write them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct KindName {
    pub(super) api_version: Arc<str>,
    pub(super) kind: Arc<str>,
}

/// One object, whatever its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) kind: KindName,
    pub(super) key: ObjectKey,
    pub(super) uid: Arc<str>,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.kind, self.key)
    }
}

/// Everything that is known about ownership.
#[derive(Debug, Default)]
pub(super) struct Graph {
    present: HashSet<Arc<str>>,
    /// Objects in a foreground deletion.
    foreground: HashSet<Arc<str>>,
    /// Objects that are being deleted and wait for what they own, to go or to be let go.
    held: HashMap<Arc<str>, Identity>,
    dependents: HashMap<Arc<str>, Dependent>,
    owned: HashMap<String, HashSet<Arc<str>>>,
}

#[derive(Debug)]
struct Dependent {
    identity: Identity,
    owners: Vec<OwnerReference>,
}

impl Graph {
    /// Takes note of an object's state; answers the objects that need a look.
    pub(super) fn observe(&mut self, kind: &KindName, metadata: &ObjectMeta) -> Vec<Identity> {
        let Some(uid) = metadata.uid.as_deref().map(Arc::<str>::from) else {
            return Vec::new();
        };
        let identity = Identity {
            kind: kind.clone(),
            key: ObjectKey::of(metadata),
            uid: Arc::clone(&uid),
        };
        let mut affected = Vec::new();
        self.present.insert(Arc::clone(&uid));
        let owners = metadata.owner_references.clone().unwrap_or_default();
        if self.set_owners(&identity, owners) && self.has_doubtful_owner(&uid) {
            affected.push(identity.clone());
        }
        let waits_for = |finalizer: &str| {
            let mut finalizers = metadata.finalizers.iter().flatten();
            metadata.deletion_timestamp.is_some() && finalizers.any(|one| one == finalizer)
        };
        let held = waits_for(FOREGROUND) || waits_for(ORPHAN);
        let was_waiting = self.is_waiting(&uid);
        if waits_for(FOREGROUND) {
            self.foreground.insert(Arc::clone(&uid));
        } else {
            self.foreground.remove(&uid);
        }
        if self.is_waiting(&uid) && !was_waiting {
            affected.extend(self.dependents_of(&uid));
        }
        if held {
            affected.push(identity.clone());
            self.held.insert(uid, identity);
        } else {
            self.held.remove(&uid);
        }
        affected
    }

    /// Takes note that an object is gone; answers the objects that need a look: what it owned,
    /// and owners that waited for it.
    pub(super) fn remove(&mut self, uid: &str) -> Vec<Identity> {
        self.present.remove(uid);
        self.foreground.remove(uid);
        self.held.remove(uid);
        let mut affected = self.dependents_of(uid);
        if let Some(gone) = self.dependents.remove(uid) {
            for owner in gone.owners {
                self.disown(&owner.uid, uid);
                affected.extend(self.held.get(owner.uid.as_str()).cloned());
            }
        }
        affected
    }

    /// Whether the API server must be asked about the object: it is held itself, or an owner is
    /// not there, not seen yet, or waiting.
    pub(super) fn needs_a_look(&self, uid: &str) -> bool {
        self.held.contains_key(uid) || self.has_doubtful_owner(uid)
    }

    fn has_doubtful_owner(&self, uid: &str) -> bool {
        let owners = self.dependents.get(uid).into_iter();
        let mut owners = owners.flat_map(|dependent| &dependent.owners);
        owners.any(|owner| !self.is_present(&owner.uid) || self.is_waiting(&owner.uid))
    }

    pub(super) fn is_present(&self, uid: &str) -> bool {
        self.present.contains(uid)
    }

    /// The object is in a foreground deletion.
    pub(super) fn is_waiting(&self, uid: &str) -> bool {
        self.foreground.contains(uid)
    }

    /// What an object owns.
    pub(super) fn dependents_of(&self, uid: &str) -> Vec<Identity> {
        let owned = self.owned.get(uid).into_iter().flatten();
        let dependents = owned.filter_map(|uid| self.dependents.get(uid));
        dependents
            .map(|dependent| dependent.identity.clone())
            .collect()
    }

    /// Whether anything must go before this object may.
    pub(super) fn is_blocked(&self, uid: &str) -> bool {
        let owned = self.owned.get(uid).into_iter().flatten();
        let mut dependents = owned.filter_map(|dependent| self.dependents.get(dependent));
        dependents.any(|dependent| {
            let mut owners = dependent.owners.iter();
            owners.any(|owner| owner.uid == uid && owner.block_owner_deletion == Some(true))
        })
    }

    /// Answers whether the owners are others than before.
    fn set_owners(&mut self, identity: &Identity, owners: Vec<OwnerReference>) -> bool {
        let known = self.dependents.get(&identity.uid);
        if known.map_or(&[][..], |known| &known.owners) == owners {
            return false;
        }
        if let Some(known) = self.dependents.remove(&identity.uid) {
            for owner in known.owners {
                self.disown(&owner.uid, &identity.uid);
            }
        }
        for owner in &owners {
            let owned = self.owned.entry(owner.uid.clone()).or_default();
            owned.insert(Arc::clone(&identity.uid));
        }
        if !owners.is_empty() {
            let dependent = Dependent {
                identity: identity.clone(),
                owners,
            };
            self.dependents.insert(Arc::clone(&identity.uid), dependent);
        }
        true
    }

    fn disown(&mut self, owner: &str, dependent: &str) {
        if let Some(owned) = self.owned.get_mut(owner) {
            owned.remove(dependent);
            if owned.is_empty() {
                self.owned.remove(owner);
            }
        }
    }
}

/// The uid of an object that was just read, for comparing it with what was asked for.
pub(super) fn is(metadata: &ObjectMeta, identity: &Identity) -> bool {
    object::uid(metadata) == &*identity.uid
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn kind() -> KindName {
        KindName {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
        }
    }

    fn metadata(uid: &str, owners: &[&str], extra: Value) -> ObjectMeta {
        let owners: Vec<_> = owners
            .iter()
            .map(|uid| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": uid, "uid": uid, "blockOwnerDeletion": true}))
            .collect();
        let mut value =
            json!({"namespace": "default", "name": uid, "uid": uid, "ownerReferences": owners});
        let fields = extra.as_object().cloned().unwrap_or_default();
        value.as_object_mut().expect("an object").extend(fields);
        serde_json::from_value(value).expect("metadata")
    }

    fn uids(identities: &[Identity]) -> Vec<&str> {
        let mut uids: Vec<_> = identities.iter().map(|identity| &*identity.uid).collect();
        uids.sort_unstable();
        uids
    }

    #[test]
    fn the_end_of_an_owner_concerns_what_it_owned() {
        let mut graph = Graph::default();
        assert!(
            graph
                .observe(&kind(), &metadata("owner", &[], json!({})))
                .is_empty()
        );
        assert!(
            graph
                .observe(&kind(), &metadata("child", &["owner"], json!({})))
                .is_empty()
        );
        assert!(!graph.needs_a_look("child"));
        assert_eq!(uids(&graph.remove("owner")), ["child"]);
        assert!(graph.needs_a_look("child"));
        let stray = graph.observe(&kind(), &metadata("stray", &["owner"], json!({})));
        assert_eq!(uids(&stray), ["stray"]);
    }

    #[test]
    fn a_foreground_deletion_waits_for_the_last_that_blocks_it() {
        let mut graph = Graph::default();
        graph.observe(&kind(), &metadata("owner", &[], json!({})));
        graph.observe(&kind(), &metadata("child", &["owner"], json!({})));
        let ending =
            json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FOREGROUND]});
        let seen = graph.observe(&kind(), &metadata("owner", &[], ending));
        assert_eq!(uids(&seen), ["child", "owner"]);
        assert!(graph.is_waiting("owner") && graph.is_blocked("owner"));
        assert_eq!(uids(&graph.remove("child")), ["owner"]);
        assert!(!graph.is_blocked("owner"));
    }

    #[test]
    fn an_object_that_loses_its_owner_reference_is_nobodys() {
        let mut graph = Graph::default();
        graph.observe(&kind(), &metadata("owner", &[], json!({})));
        graph.observe(&kind(), &metadata("child", &["owner"], json!({})));
        graph.observe(&kind(), &metadata("child", &[], json!({})));
        assert!(graph.remove("owner").is_empty());
    }
}
