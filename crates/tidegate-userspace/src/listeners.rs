//! Our listeners: one for each service port and each of its sets of backends that some frontend
//! leads to.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tidegate_dataplane::Refusal;
use tidegate_model::{IpFamily, Protocol, ServicePortName};
use tidegate_netlink::nftables::Family;
use tidegate_plan::{BackendSet, Decision, PlanKey, PortPlan, ServicePlan};

use crate::balance::Port;
use crate::engine::{Bind, Engine, Listener, Target, Transport};
use crate::ports::Ports;
use crate::redirect::Addresses;

/// The service ports that are served, and where.
#[derive(Debug)]
pub(crate) struct Listeners {
    ports: Ports,
    services: HashMap<PlanKey, HashMap<ServicePortName, Served>>,
    addresses: Addresses,
}

/// A service port and its listeners.
#[derive(Debug)]
struct Served {
    port: Arc<Port>,
    listeners: HashMap<BackendSet, Arc<Listener>>,
}

impl Listeners {
    /// No listeners yet, in the calling thread's network namespace.
    pub(crate) fn new() -> Self {
        Self {
            ports: Ports::new(),
            services: HashMap::new(),
            addresses: Addresses::new(),
        }
    }

    /// Where the listeners are.
    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The Services that have listeners.
    pub(crate) fn services(&self) -> impl Iterator<Item = &PlanKey> {
        self.services.keys()
    }

    /// Follows the plan of a Service: what is there takes its new backends at once, what is missing
    /// is opened, and what isn't needed any more is given back, to be closed when nothing leads
    /// there.
    pub(crate) fn update(
        &mut self,
        engine: &mut Engine,
        key: &PlanKey,
        plan: Option<&ServicePlan>,
        refused: &mut Vec<Refusal>,
    ) -> Vec<Arc<Listener>> {
        let mut before = self.services.remove(key).unwrap_or_default();
        let mut after = HashMap::new();
        let mut unused = Vec::new();
        let ports = plan.into_iter().flat_map(|plan| &plan.ports);
        for plan in ports {
            let Some(transport) = transport(plan.name.protocol) else {
                continue;
            };
            let mut served = match before.remove(&plan.name) {
                Some(served) => {
                    served.port.update(plan);
                    served
                }
                None => Served {
                    port: Arc::new(Port::new(plan)),
                    listeners: HashMap::new(),
                },
            };
            let needed = sets_in_use(plan);
            for set in [BackendSet::Cluster, BackendSet::Local] {
                let name = (plan.name.clone(), key.family, set);
                if !needed.contains(&set) {
                    unused.extend(served.listeners.remove(&set));
                    self.addresses.remove(&name);
                } else if !served.listeners.contains_key(&set) {
                    let target = Target {
                        port: Arc::clone(&served.port),
                        set,
                    };
                    let family = family_of(key.family);
                    let opened = self.ports.open(family, transport, |at| {
                        engine.listen(transport, at, Bind::Alone, target.clone())
                    });
                    match opened {
                        Ok(listener) => {
                            self.addresses.insert(name, listener.address);
                            served.listeners.insert(set, listener);
                        }
                        Err(error) => refused.push(Refusal {
                            service: Some(key.clone()),
                            object: format!("a listener for {}", plan.name),
                            reason: error.to_string(),
                        }),
                    }
                }
            }
            after.insert(plan.name.clone(), served);
        }
        for (name, served) in before {
            for (set, listener) in served.listeners {
                self.addresses.remove(&(name.clone(), key.family, set));
                unused.push(listener);
            }
        }
        if !after.is_empty() {
            self.services.insert(key.clone(), after);
        }
        unused
    }
}

/// The sets of backends that some frontend of a port leads to.
pub(crate) fn sets_in_use(plan: &PortPlan) -> BTreeSet<BackendSet> {
    let frontends = plan.frontends.iter();
    let decisions = frontends.flat_map(|frontend| [frontend.inside, frontend.outside]);
    let set = |decision| match decision {
        Decision::Balance(set) => Some(set),
        Decision::Reject | Decision::Drop => None,
    };
    decisions.filter_map(set).collect()
}

/// How a protocol is forwarded, if it is.
pub(crate) fn transport(protocol: Protocol) -> Option<Transport> {
    match protocol {
        Protocol::Tcp => Some(Transport::Tcp),
        Protocol::Udp => Some(Transport::Udp),
        Protocol::Sctp => None,
    }
}

/// The table family of an IP family.
pub(crate) fn family_of(family: IpFamily) -> Family {
    match family {
        IpFamily::V4 => Family::Ip,
        IpFamily::V6 => Family::Ip6,
    }
}
