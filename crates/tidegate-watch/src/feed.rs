//! The writer side.

use std::sync::Arc;

use tidegate_model::{EndpointSlice, Service, ServiceKey, SliceKey};

use crate::cluster_watch::Shared;
use crate::subscription::Changes;

/// Writes into a [`ClusterWatch`](crate::ClusterWatch)'s snapshot and tells its subscribers.
///
/// Writing what is there already tells nobody.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
}

impl Feed {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Adds or replaces a Service.
    pub fn set_service(&self, service: Service) {
        let key = service.key.clone();
        let changed = self.shared.write().set_service(service);
        self.tell(changed.then_some(key));
    }

    /// Removes a Service.
    pub fn remove_service(&self, key: &ServiceKey) {
        let changed = self.shared.write().remove_service(key);
        self.tell(changed.then(|| key.clone()));
    }

    /// Adds or replaces a slice.
    pub fn set_slice(&self, slice: EndpointSlice) {
        let changed = self.shared.write().set_slice(slice);
        self.tell(changed);
    }

    /// Removes a slice.
    pub fn remove_slice(&self, key: &SliceKey) {
        let changed = self.shared.write().remove_slice(key);
        self.tell(changed);
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

    /// Says that the first lists are complete: subscribers may start.
    pub fn synced(&self) {
        self.shared.synced.send_replace(true);
    }

    fn tell(&self, services: impl IntoIterator<Item = ServiceKey>) {
        self.post(Changes {
            services: services.into_iter().collect(),
            namespaces: false,
        });
    }

    fn tell_namespaces(&self, changed: bool) {
        self.post(Changes {
            services: Default::default(),
            namespaces: changed,
        });
    }

    fn post(&self, changes: Changes) {
        if changes != Changes::default() {
            self.shared.post(&changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tidegate_model::ServiceKey;

    use crate::ClusterWatch;

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
}
