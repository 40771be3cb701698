//! What a row works with: a world whose node runs one mode, seen in one IP family.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_dataplane::{Outcome, Unsupported, unsupported};
use tidegate_model::{Endpoint, IpFamily, Service};
use tidegate_plan::{Delta, Plan, PlanSettings};
use tidegate_testnet::{Cluster, NODE, Node, OTHER_NODE, REMOTE, World, endpoint};

use crate::Mode;

/// How long something that happens by itself may take: far longer than any machine needs.
const DEADLINE: Duration = Duration::from_secs(30);

/// A world whose node runs one mode, seen in one IP family.
///
/// Three pods are on the node (0, 1 and 2), two on the other node ([`REMOTE`] and the next one).
pub struct Bench {
    /// The machines, the Services and the mode.
    pub node: Node,
    /// The family that this is about.
    pub family: IpFamily,
    /// The mode.
    pub mode: Mode,
    /// The suite's own program.
    pub program: PathBuf,
    is_programmed: bool,
    refusals: Vec<Unsupported>,
}

/// What a row finds: `Err` tells what the contract has otherwise.
pub type Finding<T = ()> = Result<T, String>;

impl Bench {
    /// A world of its own for one row.
    pub fn new(mode: Mode, family: IpFamily, program: &Path) -> Self {
        let world = World::with_two_nodes(3, 2);
        Self {
            node: Node::in_world(world, Arc::new(mode.open)),
            family,
            mode,
            program: program.to_owned(),
            is_programmed: false,
            refusals: Vec::new(),
        }
    }

    /// What the mode said that it doesn't have.
    pub fn refusals(&self) -> &[Unsupported] {
        &self.refusals
    }

    /// Forgets all Services and goes on with other settings.
    pub fn restart_with(&mut self, settings: PlanSettings) {
        self.node.cluster = Cluster::with(settings);
        self.is_programmed = false;
    }

    /// Puts a Service in place.
    ///
    /// # Errors
    /// It can't be programmed.
    pub fn set(&mut self, service: &Service) -> Finding {
        let delta = self.node.cluster.set(service.clone());
        self.program(&delta)
    }

    /// Removes a Service.
    ///
    /// # Errors
    /// The change can't be programmed.
    pub fn remove(&mut self, name: &str) -> Finding {
        let delta = self.node.cluster.remove(name);
        self.program(&delta)
    }

    /// Makes pods the endpoints of a Service, each on the node that it is on.
    ///
    /// # Errors
    /// The change can't be programmed.
    pub fn set_pods(&mut self, name: &str, pods: &[usize]) -> Finding {
        let on_their_nodes: Vec<(usize, &str)> =
            pods.iter().map(|pod| (*pod, node_of(*pod))).collect();
        let delta = self.node.cluster.set_pods_on(name, &on_their_nodes);
        self.program(&delta)
    }

    /// Gives a Service these endpoints in this family.
    ///
    /// # Errors
    /// The change can't be programmed.
    pub fn set_endpoints(&mut self, name: &str, endpoints: Vec<Endpoint>) -> Finding {
        let slice = Cluster::slice(name, self.family, endpoints);
        let delta = self.node.cluster.set_slice(slice);
        self.program(&delta)
    }

    /// Puts a change into force, as the proxy does: the whole plan at first, then differences.
    ///
    /// # Errors
    /// The mode says that it can't.
    pub fn program(&mut self, delta: &Delta) -> Finding {
        let delta = delta.clone();
        let plan = (!self.is_programmed).then(|| self.node.cluster.plan().clone());
        let (told, done) = self.node.on_node(move |mode| {
            let plans = delta.changes.iter().filter_map(|one| one.after.as_deref());
            let told: Vec<_> = plans.flat_map(|plan| unsupported(plan, mode)).collect();
            let done = match &plan {
                Some(plan) => mode.reconcile(plan),
                None => mode.apply(&delta),
            };
            (told, done)
        });
        self.refusals.extend(told);
        self.is_programmed = true;
        let outcome = done.map_err(|error| error.to_string())?;
        complete(&outcome)
    }

    /// Compares the kernel with the plan and repairs what differs.
    ///
    /// # Errors
    /// The mode says that it can't.
    pub fn audit(&mut self) -> Finding<Outcome> {
        self.reconcile(self.node.cluster.plan().clone())
    }

    /// Programs a plan that isn't the Services' own.
    ///
    /// # Errors
    /// The mode says that it can't.
    pub fn reconcile(&mut self, plan: Plan) -> Finding<Outcome> {
        let (told, done) = self.node.on_node(move |mode| {
            let plans = plan.services.values();
            let told: Vec<_> = plans.flat_map(|plan| unsupported(plan, mode)).collect();
            (told, mode.reconcile(&plan))
        });
        self.refusals.extend(told);
        self.is_programmed = true;
        let outcome = done.map_err(|error| error.to_string())?;
        complete(&outcome)?;
        Ok(outcome)
    }

    /// A ready endpoint: a pod on the node that it is on.
    pub fn endpoint(&self, pod: usize) -> Endpoint {
        endpoint(self.pod(pod), node_of(pod))
    }

    /// An address by its text in each family.
    pub fn either(&self, v4: &str, v6: &str) -> IpAddr {
        let text = match self.family {
            IpFamily::V4 => v4,
            IpFamily::V6 => v6,
        };
        text.parse().expect("an address")
    }

    /// The cluster IP with this last number.
    pub fn cluster_ip(&self, last: u8) -> IpAddr {
        self.either(&format!("10.96.0.{last}"), &format!("fd00:96::{last}"))
    }

    /// An address that some machine outside has, and that Services may claim as an external one.
    pub fn external_ip(&self) -> IpAddr {
        self.either("198.51.100.7", "2001:db8:51::7")
    }

    /// An address that some machine outside has, and that Services may claim as a load balancer's.
    pub fn load_balancer_ip(&self) -> IpAddr {
        self.either("203.0.113.5", "2001:db8:113::5")
    }

    /// A pod's address.
    pub fn pod(&self, number: usize) -> IpAddr {
        let [v4, v6] = World::pod_addresses(number);
        match self.family {
            IpFamily::V4 => v4,
            IpFamily::V6 => v6,
        }
    }

    /// The node's own addresses, the one towards the client first.
    pub fn node_addresses(&self) -> Vec<IpAddr> {
        let all = World::node_addresses().into_iter();
        all.filter(|address| IpFamily::of(*address) == self.family)
            .collect()
    }

    /// The client's address.
    pub fn client_ip(&self) -> IpAddr {
        self.either("192.0.2.2", "fd00:c::2")
    }

    /// Tries again and again what comes true by itself a little later.
    ///
    /// # Errors
    /// It doesn't come true; what it last lacked.
    pub fn eventually<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Finding<T>,
    ) -> Finding<T> {
        let begun = Instant::now();
        loop {
            match attempt(self) {
                Err(_) if begun.elapsed() < DEADLINE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => return result,
            }
        }
    }
}

/// The node that a pod is on.
fn node_of(pod: usize) -> &'static str {
    match pod < REMOTE {
        true => NODE,
        false => OTHER_NODE,
    }
}

fn complete(outcome: &Outcome) -> Finding {
    match outcome.refused.first() {
        None => Ok(()),
        Some(refusal) => Err(refusal.to_string()),
    }
}
