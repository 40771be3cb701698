//! The part of a table that doesn't depend on Services: its sets, chains and rules, and the
//! elements that come from the settings.

use std::collections::BTreeSet;

use tidegate_netlink::nftables::{Batch, Chain, Element, Family, Rule, Set, Table};
use tidegate_plan::{NodePortAddresses, PlanSettings};

use crate::content::Numbered;
use crate::rules;
use crate::sets::SetId;
use crate::{TABLE, TABLE_COMMENT, ranges};

/// A table without its Services.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) table: Table,
    pub(crate) sets: Vec<(SetId, Set)>,
    pub(crate) chains: Vec<(Chain, Vec<Rule>)>,
    /// The elements that come from the settings.
    pub(crate) elements: Vec<(SetId, Element)>,
}

/// Our table in a family.
pub(crate) fn table(family: Family) -> Table {
    Table {
        comment: Some(TABLE_COMMENT.to_owned()),
        ..Table::new(family, TABLE)
    }
}

impl Frame {
    pub(crate) fn new(
        family: Family,
        settings: &PlanSettings,
        numbers: &BTreeSet<Numbered>,
    ) -> Self {
        let sets = SetId::all();
        Self {
            table: table(family),
            sets: sets
                .into_iter()
                .map(|id| (id, id.definition(family)))
                .collect(),
            chains: rules::chains(family, &settings.pod_traffic, numbers),
            elements: elements(family, settings),
        }
    }

    /// The definition of a set.
    pub(crate) fn set(&self, id: SetId) -> Option<&Set> {
        let found = self.sets.iter().find(|(other, _)| *other == id);
        found.map(|(_, set)| set)
    }

    /// Makes the table, its sets and its chains, where they aren't there.
    pub(crate) fn create(&self, batch: &mut Batch) {
        batch.add_table(&self.table);
        for (_, set) in &self.sets {
            batch.add_set(&self.table, set);
        }
        for (chain, _) in &self.chains {
            batch.add_chain(&self.table, chain);
        }
    }

    /// Puts a chain's rules in place of what is in it.
    pub(crate) fn rewrite(&self, batch: &mut Batch, chain: &Chain, rules: &[Rule]) {
        batch.flush_chain(&self.table, &chain.name);
        for rule in rules {
            batch.add_rule(&self.table, &chain.name, rule);
        }
    }
}

fn elements(family: Family, settings: &PlanSettings) -> Vec<(SetId, Element)> {
    let everything = [ranges::everything(family)];
    let node_ports = match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => everything.as_slice(),
        NodePortAddresses::Within(ranges) => ranges,
    };
    let node_ports = ranges::networks_but_loopback(family, node_ports);
    let service_ranges = ranges::networks(family, &settings.service_cidrs);
    let pods = match &settings.pod_traffic {
        tidegate_plan::PodTraffic::Cidrs(cidrs) => ranges::networks(family, cidrs),
        _ => Vec::new(),
    };
    let of = |id: SetId, elements: Vec<Element>| elements.into_iter().map(move |one| (id, one));
    of(SetId::Pods, pods)
        .chain(of(SetId::ServiceRanges, service_ranges))
        .chain(of(SetId::NodePortRanges, node_ports))
        .collect()
}
