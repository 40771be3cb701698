//! The writer side.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLockReadGuard};

use jiff::Timestamp;
use tidegate_model::{EndpointSlice, Service, ServiceKey, SliceKey, Snapshot};

use crate::cluster_watch::Shared;
use crate::pods::PodKey;
use crate::subscription::Changes;

/// Writes into a [`ClusterWatch`](crate::ClusterWatch)'s snapshot and tells its subscribers.
///
/// Writing what is there already tells nobody.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
}

/// What made Services change.
enum Cause {
    Service,
    /// With the time of what made the slice change, if it is known.
    Slice(Option<Timestamp>),
}

impl Feed {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Adds or replaces a Service.
    pub fn set_service(&self, service: Service) {
        let key = service.key.clone();
        let changed = self.shared.write().set_service(&service);
        self.tell(changed.then_some(key), Cause::Service);
    }

    /// Removes a Service.
    pub fn remove_service(&self, key: &ServiceKey) {
        let changed = self.shared.write().remove_service(key);
        self.tell(changed.then(|| key.clone()), Cause::Service);
    }

    /// Adds or replaces a slice.
    pub fn set_slice(&self, slice: EndpointSlice) {
        let changed = self.shared.write().set_slice(&slice);
        self.tell(changed, Cause::Slice(None));
    }

    /// Adds or replaces a slice, of which is known when the cause of its last change happened.
    /// What happened before this watch began tells nothing about how fast we are.
    pub fn set_slice_caused_at(&self, slice: EndpointSlice, trigger: Timestamp) {
        let changed = self.shared.write().set_slice(&slice);
        let trigger = Some(trigger).filter(|at| *at > self.shared.began);
        self.tell(changed, Cause::Slice(trigger));
    }

    /// Removes a slice.
    pub fn remove_slice(&self, key: &SliceKey) {
        let changed = self.shared.write().remove_slice(key);
        self.tell(changed, Cause::Slice(None));
    }

    /// Adds a namespace.
    pub fn add_namespace(&self, name: &str) {
        let changed = self.shared.write().add_namespace(name);
        self.tell_namespaces(changed);
    }

    /// Removes a namespace.
    pub fn remove_namespace(&self, name: &str) {
        let changed = self.shared.write().remove_namespace(name);
        self.tell_namespaces(changed);
    }

    /// What has been written and not removed.
    pub(crate) fn snapshot(&self) -> RwLockReadGuard<'_, Snapshot> {
        self.shared.read()
    }

    /// The pods that have addresses.
    pub(crate) fn pods(&self) -> Vec<PodKey> {
        self.shared.pods.keys()
    }

    /// Says which addresses a pod has; none if it has gone.
    pub fn set_pod(&self, key: PodKey, addresses: Vec<IpAddr>) {
        self.shared.pods.set(key, addresses);
    }

    /// Says that the first list of pods is complete.
    pub fn pods_synced(&self) {
        self.shared.pods.set_synced();
    }

    /// Says whether a kind of object can be watched at this time; says whether that is news.
    pub fn set_cut_off(&self, kind: &'static str, is_cut_off: bool) -> bool {
        let cut = self.shared.cut.lock();
        let mut cut = cut.unwrap_or_else(PoisonError::into_inner);
        match is_cut_off {
            true => cut.insert(kind),
            false => cut.remove(kind),
        }
    }

    /// Says that the first lists are complete: subscribers may start.
    pub fn synced(&self) {
        self.shared.synced.send_replace(true);
    }

    fn tell(&self, services: impl IntoIterator<Item = ServiceKey>, cause: Cause) {
        let mut changes = Changes {
            services: services.into_iter().collect(),
            ..Changes::default()
        };
        if changes.services.is_empty() {
            return;
        }
        match cause {
            Cause::Service => changes.backlog.services = 1,
            Cause::Slice(trigger) => {
                changes.backlog.slices = 1;
                let services = changes.services.iter();
                let triggers = services.zip(trigger.into_iter().cycle());
                changes.triggers = triggers.map(|(key, at)| (key.clone(), at)).collect();
            }
        }
        self.shared.post(&changes);
    }

    fn tell_namespaces(&self, changed: bool) {
        if changed {
            self.shared.post(&Changes {
                namespaces: true,
                ..Changes::default()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use jiff::{SignedDuration, Timestamp};
    use tidegate_model::ServiceKey;

    use crate::{Backlog, ClusterWatch};

    fn service(name: &str) -> tidegate_model::Service {
        let object = serde_json::json!({"metadata": {"namespace": "default", "name": name}, "spec": {"clusterIP": "10.96.0.7"}});
        tidegate_model::Service::from_api(&serde_json::from_value(object).expect("a Service"))
            .expect("has a name")
    }

    #[tokio::test]
    async fn nothing_is_heard_before_the_first_lists_are_complete() {
        let (watch, feed) = ClusterWatch::detached();
        let mut subscription = watch.subscribe();
        feed.set_service(service("web"));
        assert!(subscription.changed().now_or_never().is_none());
        feed.synced();
        let changes = subscription.changed().await;
        assert!(
            changes
                .services
                .contains(&ServiceKey::new("default", "web"))
        );
    }

    #[tokio::test]
    async fn changes_that_nobody_fetched_are_merged() {
        let (watch, feed) = ClusterWatch::detached();
        feed.synced();
        let mut subscription = watch.subscribe();
        subscription.changed().await;
        feed.set_service(service("web"));
        feed.remove_service(&ServiceKey::new("default", "web"));
        feed.set_service(service("web"));
        assert_eq!(subscription.changed().await.services.len(), 1);
        assert!(subscription.changed().now_or_never().is_none());
    }

    #[tokio::test]
    async fn writing_what_is_there_tells_nobody() {
        let (watch, feed) = ClusterWatch::detached();
        feed.synced();
        feed.set_service(service("web"));
        let mut subscription = watch.subscribe();
        subscription.changed().await;
        feed.set_service(service("web"));
        assert!(subscription.changed().now_or_never().is_none());
    }

    fn slice(address: &str) -> tidegate_model::EndpointSlice {
        let object = serde_json::json!({
            "metadata": {"namespace": "default", "name": "web", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4", "endpoints": [{"addresses": [address]}]});
        tidegate_model::EndpointSlice::from_api(&serde_json::from_value(object).expect("a slice"))
            .expect("names a Service")
    }

    #[tokio::test]
    async fn merged_changes_are_counted_with_the_earliest_cause() {
        let (watch, feed) = ClusterWatch::detached();
        feed.synced();
        let mut subscription = watch.subscribe();
        let unread = subscription.unread();
        subscription.changed().now_or_never();
        assert_eq!(unread.backlog(), Backlog::default());
        let later = Timestamp::now() + SignedDuration::from_secs(5);
        feed.set_service(service("web"));
        feed.set_slice_caused_at(slice("10.244.0.2"), later + SignedDuration::from_secs(1));
        feed.set_slice_caused_at(slice("10.244.0.3"), later);
        feed.set_slice_caused_at(slice("10.244.0.4"), Timestamp::UNIX_EPOCH);
        let waiting = unread.backlog();
        assert_eq!((waiting.services, waiting.slices), (1, 3));
        assert!(waiting.since.is_some());
        let changes = subscription.changed().await;
        let triggers: Vec<_> = changes.triggers.into_values().collect();
        assert_eq!(triggers, [later]);
        assert_eq!(unread.backlog(), Backlog::default());
    }

    #[tokio::test]
    async fn a_thousand_changes_of_one_service_wait_as_one() {
        let (watch, feed) = ClusterWatch::detached();
        feed.synced();
        let mut subscription = watch.subscribe();
        for last in 0..1000_u32 {
            feed.set_slice(slice(&format!("10.244.{}.{}", last / 250, last % 250)));
        }
        let changes = subscription.changed().await;
        assert_eq!((changes.services.len(), changes.backlog.slices), (1, 1000));
    }
}
