//! A whole program: the frame and every Service's elements.

use std::collections::BTreeSet;

use tidegate_model::IpFamily;
use tidegate_netlink::nftables::{Chain, Family, Rule};
use tidegate_nft_table::Wanted;
use tidegate_plan::{Plan, PlanKey};

use crate::content::{Content, Numbered};
use crate::frame::{Frame, frame};
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
            frame: frame(family, &plan.settings, &numbers),
            numbers,
            services,
        }
    }

    /// The chains of the Services' memories, with their rules, in the order of their names.
    fn memory_chains(&self) -> Vec<(Chain, Vec<Rule>)> {
        let family = self.frame.table.family;
        let contents = self.services.iter();
        let memories = contents.flat_map(|(_, content)| content.memories.keys());
        let mut chains: Vec<_> = memories.flat_map(|memory| memory.chains(family)).collect();
        chains.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        chains
    }

    /// The same, Service by Service.
    pub(crate) fn wanted(&self) -> Wanted<'_, SetId> {
        let services = self.services.iter();
        Wanted {
            frame: self.frame.clone(),
            chains: self.memory_chains(),
            services: services
                .map(|(key, content)| (key, content.elements.as_slice()))
                .collect(),
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
        .map(|family| Program::of(plan, family).wanted().listing().to_string())
        .concat()
}
