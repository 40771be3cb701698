//! From the plan of one Service to the elements that make it work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tidegate_model::{EndpointAddr, SessionAffinity};
use tidegate_netlink::nftables::{Element, Tuple, Verdict};
use tidegate_nft_table::{Key, Placed, ranges, sort_by_place};
use tidegate_plan::{
    BackendSet, Decision, Frontend, FrontendAddress, Masquerade, PortPlan, ServicePlan, Sources,
};

use crate::memory::Memory;
use crate::sets::{Case, SetId};
use crate::slots::{number, slots};

/// What one Service needs in the table of its family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// The elements in the order of their places, each once.
    pub(crate) elements: Vec<Placed<SetId>>,
    /// The numbers in its elements for which there must be a rule.
    pub(crate) numbers: BTreeSet<Numbered>,
    /// The memories of its ports, each with the backends that clients may stay with.
    pub(crate) memories: BTreeMap<Memory, BTreeSet<EndpointAddr>>,
}

/// How many slots some frontend of a map has: there is one rule for each number that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Numbered {
    /// The map of slots.
    pub(crate) map: SetId,
    /// The number.
    pub(crate) slots: usize,
}

impl Content {
    /// Everything that a Service's plan asks for.
    pub(crate) fn of(plan: &ServicePlan) -> Self {
        let mut content = Self::default();
        for ip in &plan.cluster_ips {
            let element = Element::key(Tuple::new().address(ip.0));
            let element = element.with_comment(plan.key.service.to_string());
            content.elements.push((SetId::ClusterIps, element));
        }
        for port in &plan.ports {
            content.add_port(port);
        }
        sort_by_place(&mut content.elements);
        content
    }

    fn add_port(&mut self, port: &PortPlan) {
        for backend in port.cluster_backends.iter().chain(&port.local_backends) {
            if backend.local {
                let pair = Tuple::new()
                    .address(backend.addr.ip)
                    .address(backend.addr.ip);
                self.elements.push((SetId::Hairpins, Element::key(pair)));
            }
        }
        let [cluster, local] =
            [BackendSet::Cluster, BackendSet::Local].map(|set| slots(port.backends(set)));
        let slots_of = |set| match set {
            BackendSet::Cluster => cluster.as_slice(),
            BackendSet::Local => local.as_slice(),
        };
        for frontend in &port.frontends {
            let (key, tuple) = Key::of(frontend, port.name.protocol);
            let (drawn, stays_for) = match port.affinity {
                SessionAffinity::None => (SetId::Slots(key), None),
                SessionAffinity::ClientIp(time) => (SetId::StickySlots(key), Some(time)),
            };
            match frontend.outside {
                Decision::Balance(set) => {
                    self.add_slots(drawn, &tuple, slots_of(set));
                    if let Some(time) = stays_for {
                        let to_chains = [SetId::Stay(key), SetId::Learn(key)];
                        self.add_memory(to_chains, &tuple, port, set, time);
                    }
                }
                // What a cluster IP doesn't balance is refused anyway.
                Decision::Reject if frontend.address.is_cluster_ip() => {}
                Decision::Reject => self.add(SetId::Rejected(key), tuple.clone()),
                Decision::Drop => self.add(SetId::Dropped(key), tuple.clone()),
            }
            if let Decision::Balance(set) = frontend.inside
                && frontend.inside != frontend.outside
            {
                self.add_slots(SetId::InsideSlots(key), &tuple, slots_of(set));
                if let Some(time) = stays_for {
                    let to_chains = [SetId::InsideStay(key), SetId::InsideLearn(key)];
                    self.add_memory(to_chains, &tuple, port, set, time);
                }
            }
            let case = match frontend.masquerade {
                Masquerade::Never => None,
                Masquerade::FromThisNode => Some(Case::Own),
                Masquerade::FromOutsideThePods => Some(Case::Outsiders),
                Masquerade::Always => Some(Case::Always),
            };
            if let Some(case) = case {
                self.add(SetId::Masquerade(case, key), tuple.clone());
            }
            self.add_address(frontend, &tuple);
        }
    }

    /// Leads a frontend to the memory of its port: by the first map to stay, by the second to learn.
    fn add_memory(
        &mut self,
        [stay, learn]: [SetId; 2],
        frontend: &Tuple,
        port: &PortPlan,
        set: BackendSet,
        time: Duration,
    ) {
        let memory = Memory::new(&port.name, set, time);
        // What stays is decided in the chain; who isn't remembered comes back to draw.
        let to_stay = Verdict::Jump(memory.id.stay_chain());
        let to_learn = Verdict::Goto(memory.id.learn_chain());
        for (map, verdict) in [(stay, to_stay), (learn, to_learn)] {
            let element = Element::verdict(frontend.clone(), verdict);
            self.elements.push((map, element));
        }
        let backends = port.backends(set).iter().map(|backend| backend.addr);
        self.memories.entry(memory).or_default().extend(backends);
    }

    fn add_slots(&mut self, map: SetId, frontend: &Tuple, backends: &[EndpointAddr]) {
        let count = backends.len();
        self.numbers.insert(Numbered { map, slots: count });
        for (place, backend) in backends.iter().enumerate() {
            let key = frontend.clone().number(number(count, place));
            let target = Tuple::new().address(backend.ip).port(backend.port);
            self.elements.push((map, Element::entry(key, target)));
        }
    }

    /// What a frontend needs because of its address, besides its decisions.
    fn add_address(&mut self, frontend: &Frontend, tuple: &Tuple) {
        if let FrontendAddress::ExternalIp(_) | FrontendAddress::LoadBalancerIp(_) =
            frontend.address
            && let Some(ip) = frontend.address.ip()
        {
            self.add(SetId::ExternalIps, Tuple::new().address(ip));
        }
        let (Some(ip), Sources::Only(admitted)) = (frontend.address.ip(), &frontend.sources) else {
            return;
        };
        self.add(SetId::Guarded, tuple.clone());
        let admitted = ranges::joined(tuple, ranges::family_of(ip), admitted);
        let admitted = admitted.into_iter().map(|one| (SetId::Admitted, one));
        self.elements.extend(admitted);
    }

    fn add(&mut self, set: SetId, key: Tuple) {
        self.elements.push((set, Element::key(key)));
    }
}
