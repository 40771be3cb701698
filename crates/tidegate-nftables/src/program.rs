//! A whole program: the frame and every Service's elements.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::IpFamily;
use tidegate_netlink::nftables::{Chain, Element, Family, Rule, TableListing, Tuple};
use tidegate_plan::{Plan, PlanKey};

use crate::content::{Content, Numbered};
use crate::frame::Frame;
use crate::sets::SetId;

/// What the kernel must have in one family.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) frame: Frame,
    pub(crate) numbers: BTreeSet<Numbered>,
    /// The elements of each Service, in the order of the Services' names.
    pub(crate) services: Vec<(PlanKey, Content)>,
}

impl Program {
    /// The program of a plan in one family.
    pub(crate) fn of(plan: &Plan, family: Family) -> Self {
        let services: Vec<(PlanKey, Content)> = plan
            .services
            .iter()
            .filter(|(key, _)| family_of(key) == family)
            .map(|(key, service)| (key.clone(), Content::of(service)))
            .collect();
        let numbers: BTreeSet<Numbered> = services
            .iter()
            .flat_map(|(_, content)| content.numbers.iter().copied())
            .collect();
        Self {
            frame: Frame::new(family, &plan.settings, &numbers),
            numbers,
            services,
        }
    }

    /// The chains of the Services' memories, with their rules, in the order of their names.
    pub(crate) fn memory_chains(&self) -> Vec<(Chain, Vec<Rule>)> {
        let family = self.frame.table.family;
        let contents = self.services.iter();
        let memories = contents.flat_map(|(_, content)| content.memories.keys());
        let mut chains: Vec<_> = memories.flat_map(|memory| memory.chains(family)).collect();
        chains.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        chains
    }

    fn listing(self) -> TableListing {
        let memory_chains = self.memory_chains();
        let mut by_set: BTreeMap<SetId, BTreeMap<Tuple, Element>> = BTreeMap::new();
        let of_services = self.services.into_iter().flat_map(|(_, c)| c.elements);
        for (set, element) in self.frame.elements.into_iter().chain(of_services) {
            let of_set = by_set.entry(set).or_default();
            of_set.entry(element.key.clone()).or_insert(element);
        }
        let elements = |id| {
            by_set
                .remove(&id)
                .unwrap_or_default()
                .into_values()
                .collect()
        };
        let mut elements = elements;
        let sets = self.frame.sets.into_iter();
        TableListing {
            table: self.frame.table,
            sets: sets.map(|(id, set)| (set, elements(id))).collect(),
            chains: [self.frame.chains, memory_chains].concat(),
        }
    }
}

/// The table family of a Service's plan.
pub(crate) fn family_of(key: &PlanKey) -> Family {
    match key.family {
        IpFamily::V4 => Family::Ip,
        IpFamily::V6 => Family::Ip6,
    }
}

/// Prints the program that a plan becomes as `nft list` would print it once loaded: the table of
/// IPv4, then that of IPv6.
pub fn render(plan: &Plan) -> String {
    Family::ALL
        .map(|family| Program::of(plan, family).listing().to_string())
        .concat()
}
