//! A world whose node runs the mode under test.

use std::net::{IpAddr, SocketAddr};

use tidegate_dataplane::Dataplane;
use tidegate_nftables::NftablesMode;
use tidegate_plan::{Delta, Plan};

use super::{Answer, Cluster, Protocol, World, ask};

/// A world whose node runs the mode.
pub(crate) struct Node {
    pub(crate) world: World,
    pub(crate) cluster: Cluster,
    mode: Option<NftablesMode>,
}

impl Node {
    pub(crate) fn new(pods: usize) -> Self {
        let world = World::new(pods);
        let mode = world.node.with(|| NftablesMode::open().expect("nf_tables"));
        Self {
            world,
            cluster: Cluster::new(),
            mode: Some(mode),
        }
    }

    /// A Service named `web` on 10.96.0.1 with all pods behind it, programmed.
    pub(crate) fn with_web(pods: usize) -> Self {
        let mut node = Self::new(pods);
        node.cluster.set(Cluster::service("web", 1));
        let all: Vec<usize> = (0..pods).collect();
        node.cluster.set_pods("web", &all);
        node.reconcile();
        node
    }

    pub(crate) fn on_node<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut NftablesMode) -> T + Send + 'static,
    ) -> T {
        let mut mode = self.mode.take().expect("it is always put back");
        let (result, mode) = self.world.node.with(move || (work(&mut mode), mode));
        self.mode = Some(mode);
        result
    }

    pub(crate) fn reconcile(&mut self) {
        let plan: Plan = self.cluster.plan().clone();
        let outcome = self.on_node(move |mode| mode.reconcile(&plan));
        let outcome = outcome.expect("the plan can be programmed");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    }

    pub(crate) fn apply(&mut self, delta: Delta) {
        let outcome = self.on_node(move |mode| mode.apply(&delta));
        let outcome = outcome.expect("the change can be programmed");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    }

    pub(crate) fn client_asks(&self, protocol: Protocol, to: &str) -> Answer {
        let to = address(to);
        self.world.client.with(move || ask(protocol, to))
    }

    pub(crate) fn pod_asks(&self, pod: usize, protocol: Protocol, to: &str) -> Answer {
        let to = address(to);
        self.world.pods[pod].with(move || ask(protocol, to))
    }

    pub(crate) fn node_asks(&self, protocol: Protocol, to: &str) -> Answer {
        let to = address(to);
        self.world.node.with(move || ask(protocol, to))
    }
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address and port")
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}
