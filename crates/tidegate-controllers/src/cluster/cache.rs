//! The last known state of every object of one kind, with indexes.
//!
//! kube's own reflector store keeps objects by name only; with ten thousand Services each pod
//! event would have to walk it. This one also finds objects by label and by owner. It takes
//! objects from the watch and, right after a write, from the API server's answer, so that a
//! controller never decides twice on the state before its own write.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use k8s_openapi::Metadata;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{Expression, Selector, SelectorExt};

use super::ObjectKey;
use super::label_index::LabelIndex;

/// All objects of kind `K` that are known now.
#[derive(Debug)]
pub(crate) struct Cache<K> {
    inner: RwLock<Inner<K>>,
}

#[derive(Debug)]
struct Inner<K> {
    objects: BTreeMap<ObjectKey, Arc<K>>,
    by_label: LabelIndex,
    by_owner: HashMap<String, BTreeSet<ObjectKey>>,
}

/// An object's state before and after an event; both are absent never, one may be.
#[derive(Clone, Debug)]
pub(crate) struct Change<K> {
    pub(crate) old: Option<Arc<K>>,
    pub(crate) new: Option<Arc<K>>,
}

impl<K> Change<K> {
    /// The newest state there is: after the event, or before it when the object is gone.
    pub(crate) fn latest(&self) -> Option<&Arc<K>> {
        self.new.as_ref().or(self.old.as_ref())
    }
}

impl<K: Metadata<Ty = ObjectMeta>> Change<K> {
    /// The key of the object that changed.
    pub(crate) fn key(&self) -> Option<ObjectKey> {
        self.latest().map(|object| ObjectKey::of(object.metadata()))
    }
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self {
            inner: RwLock::new(Inner {
                objects: BTreeMap::new(),
                by_label: LabelIndex::default(),
                by_owner: HashMap::new(),
            }),
        }
    }
}

impl<K: Metadata<Ty = ObjectMeta>> Cache<K> {
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.read().objects.get(key).cloned()
    }

    /// The keys of everything known.
    pub(crate) fn keys(&self) -> Vec<ObjectKey> {
        self.read().objects.keys().cloned().collect()
    }

    /// Everything known; for rare work such as a node that moves to another zone.
    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.read().objects.values().cloned().collect()
    }

    /// The objects that name this uid among their owners.
    pub(crate) fn owned_by(&self, uid: &str) -> Vec<Arc<K>> {
        let inner = self.read();
        let keys = inner.by_owner.get(uid).into_iter().flatten();
        keys.filter_map(|key| inner.objects.get(key).cloned())
            .collect()
    }

    /// The objects of a namespace whose labels match, found through the rarest label asked for.
    pub(crate) fn matching(&self, namespace: &str, selector: &Selector) -> Vec<Arc<K>> {
        let inner = self.read();
        let fits = |object: &&Arc<K>| {
            let labels = object.metadata().labels.as_ref();
            labels.map_or_else(
                || selector.matches(&BTreeMap::new()),
                |labels| selector.matches(labels),
            )
        };
        let pairs = selector
            .clone()
            .into_iter()
            .filter_map(|expression| match expression {
                Expression::Equal(key, value) => Some((key, value)),
                _ => None,
            });
        let rarest = pairs
            .map(|(key, value)| inner.by_label.names(namespace, &key, &value))
            .min_by_key(|names| names.map_or(0, BTreeSet::len));
        match rarest {
            Some(names) => (names.into_iter().flatten())
                .filter_map(|key| inner.objects.get(key))
                .filter(fits)
                .cloned()
                .collect(),
            None => (inner.objects.range(ObjectKey::new(namespace, "")..))
                .take_while(|(key, _)| &*key.namespace == namespace)
                .map(|(_, object)| object)
                .filter(fits)
                .cloned()
                .collect(),
        }
    }

    /// Takes a state; answers `None`, and keeps what it has, if it knows a newer one already.
    pub(crate) fn store(&self, object: K) -> Option<Change<K>> {
        let object = Arc::new(object);
        let key = ObjectKey::of(object.metadata());
        let mut inner = self.write();
        let known = inner.objects.get(&key);
        if known.is_some_and(|known| is_older(object.metadata(), known.metadata())) {
            return None;
        }
        let old = inner.take(&key);
        inner.put(key, Arc::clone(&object));
        Some(Change {
            old,
            new: Some(object),
        })
    }

    /// Forgets an object, unless another one has its name by now.
    pub(crate) fn remove(&self, gone: &ObjectMeta) -> Option<Change<K>> {
        let key = ObjectKey::of(gone);
        let mut inner = self.write();
        if inner.objects.get(&key)?.metadata().uid != gone.uid {
            return None;
        }
        let old = inner.take(&key);
        Some(Change { old, new: None })
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner<K>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner<K>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Metadata<Ty = ObjectMeta>> Inner<K> {
    fn put(&mut self, key: ObjectKey, object: Arc<K>) {
        self.by_label.add(&key, object.metadata().labels.as_ref());
        for owner in object.metadata().owner_references.iter().flatten() {
            let owned = self.by_owner.entry(owner.uid.clone()).or_default();
            owned.insert(key.clone());
        }
        self.objects.insert(key, object);
    }

    fn take(&mut self, key: &ObjectKey) -> Option<Arc<K>> {
        let object = self.objects.remove(key)?;
        self.by_label.remove(key, object.metadata().labels.as_ref());
        for owner in object.metadata().owner_references.iter().flatten() {
            if let Some(owned) = self.by_owner.get_mut(&owner.uid) {
                owned.remove(key);
                if owned.is_empty() {
                    self.by_owner.remove(&owner.uid);
                }
            }
        }
        Some(object)
    }
}

/// Resource versions of one object grow as numbers (Kubernetes promises it since 1.35).
/// A server with other versions is believed in the order in which it tells.
fn is_older(candidate: &ObjectMeta, known: &ObjectMeta) -> bool {
    let version = |metadata: &ObjectMeta| metadata.resource_version.as_ref()?.parse::<u64>().ok();
    candidate.uid == known.uid
        && matches!((version(candidate), version(known)), (Some(a), Some(b)) if a < b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Pod;

    fn pod(name: &str, app: &str, version: u32) -> Pod {
        serde_json::from_value(serde_json::json!({"metadata": {
            "namespace": "default", "name": name, "uid": name, "resourceVersion": version.to_string(),
            "labels": {"app": app, "tier": "web"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": app, "uid": app}],
        }}))
        .expect("a pod")
    }

    fn names(pods: &[Arc<Pod>]) -> Vec<&str> {
        pods.iter()
            .filter_map(|pod| pod.metadata.name.as_deref())
            .collect()
    }

    #[test]
    fn objects_are_found_by_label_and_owner_and_lost_when_they_change() {
        let cache = Cache::default();
        cache.store(pod("a", "shop", 1));
        cache.store(pod("b", "blog", 2));
        let selector: Selector = [("app", "shop"), ("tier", "web")].into_iter().collect();
        assert_eq!(names(&cache.matching("default", &selector)), ["a"]);
        assert!(cache.matching("other", &selector).is_empty());
        assert_eq!(names(&cache.owned_by("shop")), ["a"]);

        cache.store(pod("a", "blog", 3));
        assert!(cache.matching("default", &selector).is_empty());
        assert!(cache.owned_by("shop").is_empty());
        assert_eq!(names(&cache.owned_by("blog")), ["a", "b"]);
    }

    #[test]
    fn a_selector_without_equalities_walks_its_namespace_only() {
        let cache = Cache::default();
        cache.store(pod("a", "shop", 1));
        let any: Selector = Expression::Exists("app".into()).into();
        assert_eq!(names(&cache.matching("default", &any)), ["a"]);
        assert!(cache.matching("defaul", &any).is_empty());
    }

    #[test]
    fn an_older_state_does_not_replace_a_newer_one() {
        let cache = Cache::default();
        cache.store(pod("a", "shop", 10));
        assert!(cache.store(pod("a", "blog", 9)).is_none());
        assert_eq!(names(&cache.owned_by("shop")), ["a"]);
    }

    #[test]
    fn the_end_of_a_namesake_removes_nothing() {
        let cache = Cache::default();
        cache.store(pod("a", "shop", 1));
        let mut other = pod("a", "shop", 1);
        other.metadata.uid = Some("another".into());
        assert!(cache.remove(&other.metadata).is_none());
        assert_eq!(cache.all().len(), 1);
    }
}
