//! Feeds [`reconcile`] from the caches and writes what it decides.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Resource;
use tokio_util::sync::CancellationToken;

use super::hints::{facts, needs_capacity};
use super::{Input, TriggerTimes, ZoneCapacity, labels, reconcile};
use crate::api::SyncError;
use crate::cluster::{Change, Cluster, Listeners, ObjectKey, service_selector};
use crate::context::Context;
use crate::pod_changes::services_touched;
use crate::slice_writer::SliceWriter;
use crate::work::{Next, WorkQueue, work};

/// Keeps the slices of every Service with a selector equal to its pods.
pub(crate) struct SliceController {
    cluster: Arc<Cluster>,
    writer: SliceWriter,
    max_endpoints: usize,
    parallelism: usize,
    queue: Arc<WorkQueue<ObjectKey>>,
    triggers: Mutex<TriggerTimes>,
    started: AtomicBool,
}

impl SliceController {
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        Arc::new(Self {
            cluster: Arc::clone(&context.cluster),
            writer: SliceWriter::new(context),
            max_endpoints: context.settings.max_endpoints_per_slice,
            parallelism: context.settings.parallelism,
            queue: Arc::new(WorkQueue::paced(context.endpoint_pace())),
            triggers: Mutex::default(),
            started: AtomicBool::new(false),
        })
    }

    pub(crate) fn listen(self: &Arc<Self>, listeners: &mut Listeners) {
        let this = Arc::clone(self);
        listeners.services.push(Box::new(move |change| {
            change.key().into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners.pods.push(Box::new(move |change| {
            let touched = services_touched(&this.cluster, change);
            touched.into_iter().for_each(|key| this.queue.add(key));
        }));
        let this = Arc::clone(self);
        listeners
            .slices
            .push(Box::new(move |change| this.slice_changed(change)));
        let this = Arc::clone(self);
        listeners
            .nodes
            .push(Box::new(move |change| this.node_changed(change)));
    }

    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        self.started.store(true, Ordering::Release);
        let queue = Arc::clone(&self.queue);
        work(
            "endpointslice",
            queue,
            self.parallelism,
            shutdown,
            move |key| {
                let this = Arc::clone(&self);
                async move { this.sync(&key).await }
            },
        )
        .await;
    }

    async fn sync(&self, key: &ObjectKey) -> Result<Next, SyncError> {
        let Some(service) = self.cluster.services.get(key) else {
            self.triggers().forget(key);
            return Ok(Next::Settled);
        };
        let Some(selector) = service_selector(&service) else {
            return Ok(Next::Settled);
        };
        let pods = self.cluster.pods.matching(&key.namespace, &selector);
        let triggered = self.triggers().observe(key, &service, &pods);
        let decision = reconcile(&Input {
            service: &service,
            pods: &pods,
            nodes: &self.nodes_of(&pods),
            existing: &self.slices_of(&service),
            max_endpoints: self.max_endpoints,
            triggered,
            zones: self.zones_for(&service).as_ref(),
        });
        self.writer.write(decision.changes).await?;
        if decision.pods_without_node.is_empty() {
            return Ok(Next::Settled);
        }
        let pods: Vec<_> = decision
            .pods_without_node
            .iter()
            .map(ToString::to_string)
            .collect();
        Err(SyncError::MissingNodes {
            pods: pods.join(", "),
        })
    }

    fn nodes_of(&self, pods: &[Arc<Pod>]) -> BTreeMap<String, Arc<Node>> {
        let names = pods
            .iter()
            .filter_map(|pod| pod.spec.as_ref()?.node_name.clone());
        names
            .filter_map(|name| {
                let node = self.cluster.nodes.get(&ObjectKey::new("", name.as_str()))?;
                Some((name, node))
            })
            .collect()
    }

    fn slices_of(&self, service: &Service) -> Vec<Arc<EndpointSlice>> {
        let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let ours = [
            (labels::SERVICE_NAME, name),
            (labels::MANAGED_BY, labels::SLICE_CONTROLLER),
        ];
        let ours = ours.map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.cluster
            .slices
            .matching(namespace, &ours.into_iter().collect())
    }

    fn zones_for(&self, service: &Service) -> Option<ZoneCapacity> {
        needs_capacity(service).then(|| {
            let nodes = self.cluster.nodes.all();
            ZoneCapacity::of(nodes.iter().map(AsRef::as_ref))
        })
    }

    /// Our own writes come back as events that change nothing.
    fn slice_changed(&self, change: &Change<EndpointSlice>) {
        let version = |slice: &Option<Arc<EndpointSlice>>| {
            slice
                .as_ref()
                .and_then(|slice| slice.metadata.resource_version.clone())
        };
        if version(&change.old) == version(&change.new) {
            return;
        }
        let service = change.latest().and_then(|slice| {
            let labels = slice.metadata.labels.as_ref()?;
            let ours = labels.get(labels::MANAGED_BY)? == labels::SLICE_CONTROLLER;
            let name = labels.get(labels::SERVICE_NAME)?.as_str();
            let namespace = slice.meta().namespace.as_deref()?;
            ours.then(|| ObjectKey::new(namespace, name))
        });
        service.into_iter().for_each(|key| self.queue.add(key));
    }

    /// Nodes report every few seconds; only a new zone, readiness or capacity matters, and
    /// before the start every Service is going to be looked at anyway.
    fn node_changed(&self, change: &Change<Node>) {
        if !self.started.load(Ordering::Acquire)
            || change.old.as_deref().map(facts) == change.new.as_deref().map(facts)
        {
            return;
        }
        let name = change.latest().and_then(|node| node.metadata.name.clone());
        for pod in self.cluster.pods.all() {
            if pod.spec.as_ref().and_then(|spec| spec.node_name.clone()) == name {
                let event = Change {
                    old: None,
                    new: Some(pod),
                };
                let touched = services_touched(&self.cluster, &event);
                touched.into_iter().for_each(|key| self.queue.add(key));
            }
        }
        let services = self.cluster.services.all();
        for service in services.iter().filter(|service| needs_capacity(service)) {
            self.queue.add(ObjectKey::of(&service.metadata));
        }
    }

    fn triggers(&self) -> std::sync::MutexGuard<'_, TriggerTimes> {
        self.triggers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
