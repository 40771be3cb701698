//! What the controllers know of the cluster: one shared cache for each watched kind.

mod cache;
mod follow;
mod key;
mod label_index;
mod selector_index;

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Endpoints, Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::core::Selector;

pub(crate) use cache::{Cache, Change};
pub(crate) use follow::{Listener, follow};
pub(crate) use key::ObjectKey;
pub(crate) use selector_index::SelectorIndex;

/// The caches, and the selectors of the kinds that choose pods.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) services: Cache<Service>,
    pub(crate) pods: Cache<Pod>,
    pub(crate) nodes: Cache<Node>,
    pub(crate) slices: Cache<EndpointSlice>,
    pub(crate) endpoints: Cache<Endpoints>,
    pub(crate) deployments: Cache<Deployment>,
    pub(crate) replica_sets: Cache<ReplicaSet>,
    pub(crate) stateful_sets: Cache<StatefulSet>,
    pub(crate) controller_revisions: Cache<ControllerRevision>,
    pub(crate) namespaces: Cache<Namespace>,
    pub(crate) service_selectors: SelectorIndex,
    pub(crate) deployment_selectors: SelectorIndex,
    pub(crate) replica_set_selectors: SelectorIndex,
    pub(crate) stateful_set_selectors: SelectorIndex,
}

/// Who hears of changes. Listeners of a kind are called in the order they were added.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) services: Vec<Listener<Service>>,
    pub(crate) pods: Vec<Listener<Pod>>,
    pub(crate) nodes: Vec<Listener<Node>>,
    pub(crate) slices: Vec<Listener<EndpointSlice>>,
    pub(crate) endpoints: Vec<Listener<Endpoints>>,
    pub(crate) deployments: Vec<Listener<Deployment>>,
    pub(crate) replica_sets: Vec<Listener<ReplicaSet>>,
    pub(crate) stateful_sets: Vec<Listener<StatefulSet>>,
    pub(crate) controller_revisions: Vec<Listener<ControllerRevision>>,
    pub(crate) namespaces: Vec<Listener<Namespace>>,
}

impl Cluster {
    /// Keeps the selector indexes up to date. Call it before any controller listens, so that a
    /// controller which asks "whose pod is this" already sees the change it is told of.
    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let cluster = Arc::clone(self);
        listeners.services.push(Box::new(move |change| {
            file(&cluster.service_selectors, change, service_selector);
        }));
        let cluster = Arc::clone(self);
        listeners.deployments.push(Box::new(move |change| {
            file(&cluster.deployment_selectors, change, |deployment| {
                workload_selector(&deployment.spec.as_ref()?.selector)
            });
        }));
        let cluster = Arc::clone(self);
        listeners.replica_sets.push(Box::new(move |change| {
            file(&cluster.replica_set_selectors, change, |replica_set| {
                workload_selector(&replica_set.spec.as_ref()?.selector)
            });
        }));
        let cluster = Arc::clone(self);
        listeners.stateful_sets.push(Box::new(move |change| {
            file(&cluster.stateful_set_selectors, change, |stateful_set| {
                workload_selector(&stateful_set.spec.as_ref()?.selector)
            });
        }));
    }
}

/// A Service's selector; `None` when it has none and its endpoints are made by someone else.
pub(crate) fn service_selector(service: &Service) -> Option<Selector> {
    let pairs = service.spec.as_ref()?.selector.as_ref()?;
    (!pairs.is_empty()).then(|| pairs.clone().into_iter().collect())
}

/// A workload's selector; `None` when it is malformed or empty, which must never mean "all pods".
pub(crate) fn workload_selector(selector: &LabelSelector) -> Option<Selector> {
    let selector = Selector::try_from(selector.clone()).ok()?;
    (!selector.selects_all()).then_some(selector)
}

fn file<K>(index: &SelectorIndex, change: &Change<K>, selector: impl Fn(&K) -> Option<Selector>)
where
    K: k8s_openapi::Metadata<Ty = ObjectMeta>,
{
    if let Some(latest) = change.latest() {
        let selector = change.new.as_ref().and_then(|object| selector(object));
        index.set(&ObjectKey::of(latest.metadata()), selector);
    }
}
