//! A world whose node runs the mode under test.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tidegate_dataplane::Dataplane;
use tidegate_plan::{Delta, Plan};

use crate::{Answer, Call, Cluster, Protocol, Talk, World, ask};

/// A world whose node runs the mode.
pub struct Node {
    /// The machines.
    pub world: World,
    /// The Services.
    pub cluster: Cluster,
    mode: Option<Box<dyn Dataplane>>,
    open: Open,
}

/// Opens a mode on the machine that calls it, with nothing but itself.
pub type OpenHere = fn() -> Box<dyn Dataplane>;

/// Opens a mode on the machine that calls it.
pub type Open = Arc<dyn Fn() -> Box<dyn Dataplane> + Send + Sync>;

impl Node {
    /// A node with so many pods and without Services, whose mode is what `open` gives on it.
    pub fn new(pods: usize, open: OpenHere) -> Self {
        Self::in_world(World::new(pods), Arc::new(open))
    }

    /// A node of a world, without Services, whose mode is what `open` gives on it.
    pub fn in_world(world: World, open: Open) -> Self {
        let opener = Arc::clone(&open);
        let mode = world.node.with(move || opener());
        Self {
            world,
            cluster: Cluster::new(),
            mode: Some(mode),
            open,
        }
    }

    /// A Service named `web` on 10.96.0.1 with all pods behind it, programmed.
    pub fn with_web(pods: usize, open: OpenHere) -> Self {
        let mut node = Self::new(pods, open);
        node.cluster.set(Cluster::service("web", 1));
        let all: Vec<usize> = (0..pods).collect();
        node.cluster.set_pods("web", &all);
        node.reconcile();
        node
    }

    /// Does something with the mode, on its machine.
    pub fn on_node<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Dataplane) -> T + Send + 'static,
    ) -> T {
        let mut mode = self.mode.take().expect("it is always put back");
        let (result, mode) = self.world.node.with(move || (work(mode.as_mut()), mode));
        self.mode = Some(mode);
        result
    }

    /// Ends the mode without taking its program away, as a process that is killed does, and opens
    /// it again.
    pub fn restart(&mut self) {
        let mode = self.mode.take().expect("it is always put back");
        let open = Arc::clone(&self.open);
        let mode = self.world.node.with(move || {
            drop(mode);
            open()
        });
        self.mode = Some(mode);
    }

    /// Opens another mode, which programs nothing yet, and gives back the one before.
    pub fn replace(&mut self, open: Open) -> Box<dyn Dataplane> {
        self.open = Arc::clone(&open);
        let mode = self.world.node.with(move || open());
        let before = self.mode.replace(mode);
        before.expect("it is always put back")
    }

    /// Programs the whole plan.
    pub fn reconcile(&mut self) {
        let plan: Plan = self.cluster.plan().clone();
        let outcome = self.on_node(move |mode| mode.reconcile(&plan));
        let outcome = outcome.expect("the plan can be programmed");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    }

    /// Programs a change.
    pub fn apply(&mut self, delta: Delta) {
        let outcome = self.on_node(move |mode| mode.apply(&delta));
        let outcome = outcome.expect("the change can be programmed");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    }

    /// A call from outside.
    pub fn client_asks(&self, protocol: Protocol, to: &str) -> Answer {
        let to = address(to);
        self.world.client.with(move || ask(protocol, to))
    }

    /// A conversation from outside, over TCP.
    pub fn client_talks(&self, to: &str) -> Talk {
        let call = Call::new(Protocol::Tcp, address(to));
        let opened = self.world.client.with(move || Talk::open(call));
        opened.unwrap_or_else(|answer| panic!("nobody answers: {answer:?}"))
    }

    /// A call from a pod.
    pub fn pod_asks(&self, pod: usize, protocol: Protocol, to: &str) -> Answer {
        let to = address(to);
        self.world.pods[pod].with(move || ask(protocol, to))
    }

    /// A call from the node itself.
    pub fn node_asks(&self, protocol: Protocol, to: &str) -> Answer {
        let to = address(to);
        self.world.node.with(move || ask(protocol, to))
    }
}

/// Reads an address and port.
pub fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address and port")
}

/// Reads an address.
pub fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}
