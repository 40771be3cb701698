//! Keeps one cache equal to the API server and tells listeners what changed.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::{Cache, Change, ObjectKey};

/// Hears of every change of one kind, in order.
pub(crate) type Listener<K> = Box<dyn Fn(&Change<K>) + Send + Sync>;

/// Watches `api` for as long as it is polled. `synced` is called each time a list is complete.
///
/// While the API is away the last known state stays; a new list is compared with it, so that
/// listeners hear of what really changed meanwhile, deletions included.
pub(crate) async fn follow<K>(
    api: Api<K>,
    cache: &Cache<K>,
    listeners: &[Listener<K>],
    mut synced: impl FnMut(),
) where
    K: Resource<DynamicType = ()> + k8s_openapi::Metadata<Ty = ObjectMeta>,
    K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let tell = |change: Option<Change<K>>| {
        for change in change.iter() {
            listeners.iter().for_each(|listener| listener(change));
        }
    };
    let mut listed = HashSet::new();
    let mut events = watcher::watcher(api, watcher::Config::default())
        .default_backoff()
        .boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => {
                listed.insert(ObjectKey::of(object.meta()));
                tell(cache.store(slim(object)));
            }
            Ok(Event::InitDone) => {
                for object in unlisted(cache, &listed) {
                    tell(cache.remove(object.meta()));
                }
                listed = HashSet::new();
                synced();
            }
            Ok(Event::Apply(object)) => tell(cache.store(slim(object))),
            Ok(Event::Delete(object)) => tell(cache.remove(object.meta())),
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), %error, "the watch broke off; starting it again");
            }
        }
    }
}

fn unlisted<K>(cache: &Cache<K>, listed: &HashSet<ObjectKey>) -> Vec<Arc<K>>
where
    K: k8s_openapi::Metadata<Ty = ObjectMeta>,
{
    let keys = cache.keys().into_iter();
    keys.filter(|key| !listed.contains(key))
        .filter_map(|key| cache.get(&key))
        .collect()
}

/// Nobody here reads who wrote which field, and it can be most of an object's size.
fn slim<K: Resource>(mut object: K) -> K {
    object.meta_mut().managed_fields = None;
    object
}
