//! Follows the API: list, watch, and list again when the watch was cut for too long.

use std::collections::BTreeSet;
use std::fmt::Debug;

use futures::TryStreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tidegate_model::{ServiceKey, SliceKey};
use tokio::sync::Notify;

use crate::{Feed, PodKey, Scope};

/// On a slice, as an annotation: when the pod or the Service changed that the slice follows.
const LAST_CHANGE_TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// How many objects are listed with one request. As the API tells them they take twenty times what
/// is kept of them, and that much memory stays with the process.
const AT_ONCE: u32 = 100;

/// Feeds everything in `scope` for ever, and says when the first lists are complete.
pub(crate) async fn all(client: Client, scope: Scope, feed: Feed) {
    let listed = [Notify::new(), Notify::new(), Notify::new()];
    let [services, slices, namespaces] = &listed;
    let namespaces_too = async {
        match scope.namespaces() {
            Some(selector) => follow::<Namespace>(&client, selector, &feed, namespaces).await,
            None => namespaces.notify_one(),
        }
    };
    let first_sync = async {
        for list in &listed {
            list.notified().await;
        }
        feed.synced();
    };
    futures::join!(
        follow::<Service>(&client, scope.services(), &feed, services),
        follow::<EndpointSlice>(&client, scope.slices(), &feed, slices),
        namespaces_too,
        first_sync,
    );
}

/// Feeds the addresses of pods for ever.
pub(crate) async fn pods(client: Client, scope: Scope, feed: Feed) {
    let listed = Notify::new();
    let first_sync = async {
        listed.notified().await;
        feed.pods_synced();
    };
    futures::join!(
        follow::<Pod>(&client, scope.pods(), &feed, &listed),
        first_sync
    );
}

/// A kind of object that is fed.
trait Watched: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {
    /// The kind's name.
    const NAME: &'static str;

    type Key: Ord;

    /// `None` for an object without a name, which no API serves.
    fn key(&self) -> Option<Self::Key>;

    /// Feeds the object, or its removal if it is not one that consumers know.
    fn set(&self, feed: &Feed);

    fn remove(feed: &Feed, key: &Self::Key);

    /// What has been fed and not removed.
    fn fed(feed: &Feed) -> Vec<Self::Key>;
}

async fn follow<K: Watched>(client: &Client, selector: Config, feed: &Feed, listed: &Notify) {
    let selector = selector.page_size(AT_ONCE);
    let events = watcher(Api::<K>::all(client.clone()), selector).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut relisted: BTreeSet<K::Key> = BTreeSet::new();
    loop {
        let event = events.try_next().await;
        let is_cut_off = event.is_err();
        if feed.set_cut_off(K::NAME, is_cut_off) && !is_cut_off {
            tracing::info!(kind = K::NAME, "the watch goes on");
        }
        match event {
            Ok(Some(Event::Init)) => relisted.clear(),
            Ok(Some(Event::InitApply(object))) => {
                object.set(feed);
                relisted.extend(object.key());
            }
            Ok(Some(Event::InitDone)) => {
                let relisted = std::mem::take(&mut relisted);
                let fed = K::fed(feed).into_iter();
                for gone in fed.filter(|key| !relisted.contains(key)) {
                    K::remove(feed, &gone);
                }
                listed.notify_one();
            }
            Ok(Some(Event::Apply(object))) => {
                object.set(feed);
            }
            Ok(Some(Event::Delete(object))) => {
                if let Some(key) = object.key() {
                    K::remove(feed, &key);
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(kind = K::NAME, %error, "the watch was cut; serving the last known state, trying again");
            }
        }
    }
}

impl Watched for Pod {
    const NAME: &'static str = "Pod";

    type Key = PodKey;

    fn key(&self) -> Option<PodKey> {
        Some(PodKey {
            namespace: self.metadata.namespace.clone()?,
            name: self.metadata.name.clone()?,
        })
    }

    fn set(&self, feed: &Feed) {
        let ips = self
            .status
            .iter()
            .flat_map(|status| status.pod_ips.iter().flatten());
        let addresses = ips.filter_map(|ip| ip.ip.parse().ok()).collect();
        if let Some(key) = self.key() {
            feed.set_pod(key, addresses);
        }
    }

    fn remove(feed: &Feed, key: &PodKey) {
        feed.set_pod(key.clone(), Vec::new());
    }

    fn fed(feed: &Feed) -> Vec<PodKey> {
        feed.pods()
    }
}

impl Watched for Service {
    const NAME: &'static str = "Service";

    type Key = ServiceKey;

    fn key(&self) -> Option<ServiceKey> {
        Some(ServiceKey::new(
            self.metadata.namespace.clone()?,
            self.metadata.name.clone()?,
        ))
    }

    fn set(&self, feed: &Feed) {
        if let Some(service) = tidegate_model::Service::from_api(self) {
            feed.set_service(service);
        }
    }

    fn remove(feed: &Feed, key: &ServiceKey) {
        feed.remove_service(key);
    }

    fn fed(feed: &Feed) -> Vec<ServiceKey> {
        feed.snapshot().keys().collect()
    }
}

impl Watched for EndpointSlice {
    const NAME: &'static str = "EndpointSlice";

    type Key = SliceKey;

    fn key(&self) -> Option<SliceKey> {
        Some(SliceKey {
            namespace: self.metadata.namespace.clone()?,
            name: self.metadata.name.clone()?,
        })
    }

    fn set(&self, feed: &Feed) {
        match tidegate_model::EndpointSlice::from_api(self) {
            Some(slice) => match trigger(self) {
                Some(trigger) => feed.set_slice_caused_at(slice, trigger),
                None => feed.set_slice(slice),
            },
            None => self.key().iter().for_each(|key| feed.remove_slice(key)),
        }
    }

    fn remove(feed: &Feed, key: &SliceKey) {
        feed.remove_slice(key);
    }

    fn fed(feed: &Feed) -> Vec<SliceKey> {
        feed.snapshot().slice_keys().collect()
    }
}

/// When what made the slice change happened, as its controller says.
fn trigger(slice: &EndpointSlice) -> Option<Timestamp> {
    let annotations = slice.metadata.annotations.as_ref()?;
    annotations.get(LAST_CHANGE_TRIGGER_TIME)?.parse().ok()
}

impl Watched for Namespace {
    const NAME: &'static str = "Namespace";

    type Key = String;

    fn key(&self) -> Option<String> {
        self.metadata.name.clone()
    }

    fn set(&self, feed: &Feed) {
        self.key().iter().for_each(|name| feed.add_namespace(name));
    }

    fn remove(feed: &Feed, name: &String) {
        feed.remove_namespace(name);
    }

    fn fed(feed: &Feed) -> Vec<String> {
        let snapshot = feed.snapshot();
        snapshot.namespaces().map(str::to_owned).collect()
    }
}
