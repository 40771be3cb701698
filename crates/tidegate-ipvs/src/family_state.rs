//! One IP family at work: what has to be known to change its part of the kernel without reading it.

use std::collections::BTreeMap;

use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_model::IpFamily;
use tidegate_netlink::ipvs::{Change, VirtualAddress};
use tidegate_netlink::links::Link;
use tidegate_plan::{Delta, PlanKey};

use crate::IpvsOptions;
use crate::addresses::NodeAddresses;
use crate::content::{Content, Server, Surroundings};
use crate::iptables::RulesFound;
use crate::marks::Marks;
use crate::requirements::Kernel;
use crate::rules::Table;
use crate::scheduler::can_drain;
use crate::servers::{Step, commit};
use crate::shares::{Difference, Shares};
use crate::withdraw::{Draining, What, Withdrawal, withdraw};
use crate::{device, elements};

/// What the kernel has in a family, once it has been reconciled.
#[derive(Debug)]
pub(crate) struct FamilyState {
    pub(crate) family: IpFamily,
    pub(crate) tables: [Table; 3],
    /// Our rules as they read back when they were written.
    pub(crate) rules: RulesFound,
    pub(crate) addresses: NodeAddresses,
    pub(crate) marks: Marks,
    pub(crate) shares: Shares,
    pub(crate) draining: Draining,
    pub(crate) virtual_servers: usize,
    pub(crate) real_servers: usize,
}

/// The virtual servers of some Services by their addresses, each with its owner.
pub(crate) type Servers<'a> = BTreeMap<VirtualAddress, (&'a PlanKey, &'a Server)>;

impl FamilyState {
    /// Brings the kernel from the plans before a delta to those after it.
    pub(crate) fn apply(
        &mut self,
        kernel: &mut Kernel,
        link: &Link,
        options: &IpvsOptions,
        delta: &Delta,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let mut around = Surroundings {
            addresses: &self.addresses,
            options,
            marks: &mut self.marks,
        };
        let mut content = |plan: &Option<std::sync::Arc<_>>| {
            plan.as_deref()
                .map_or_else(Content::default, |plan| Content::of(plan, &mut around))
        };
        let changes = delta.changes.iter();
        let contents: Vec<(&PlanKey, Content, Content)> = changes
            .filter(|change| change.key.family == self.family)
            .map(|change| (&change.key, content(&change.before), content(&change.after)))
            .collect();
        let before = servers(contents.iter().map(|(key, before, _)| (*key, before)));
        let after = servers(contents.iter().map(|(key, _, after)| (*key, after)));
        let mut difference = Difference::default();
        for (key, before, after) in &contents {
            // What stays must not be counted as gone in between.
            self.shares.add(key, after, &mut difference);
            self.shares.remove(before, &mut difference);
            outcome.refused.extend(unmarked(key, after));
        }
        let scheduler = &options.scheduler;
        let steps = self.improvements(&before, &after);
        commit(&mut kernel.ipvs, steps, scheduler, outcome)?;
        let new = &difference.new_elements;
        elements::add(&mut kernel.ipset, self.family, new, outcome)?;
        device::add(&mut kernel.links, link, &difference.new_addresses, outcome)?;
        let withdrawals = withdrawals(&before, &after);
        let draining = &mut self.draining;
        withdraw(&mut kernel.ipvs, &withdrawals, draining, scheduler, outcome)?;
        let old = &difference.old_elements;
        elements::delete(&mut kernel.ipset, self.family, old, new, outcome)?;
        difference
            .old_addresses
            .retain(|address| !self.draining.needs(*address) && !self.shares.needs(*address));
        device::delete(&mut kernel.links, link, &difference.old_addresses, outcome)?;
        self.virtual_servers =
            self.virtual_servers + after.len() - before.len().min(self.virtual_servers);
        self.real_servers =
            self.real_servers + count(&after) - count(&before).min(self.real_servers);
        Ok(())
    }

    /// What is new or other than before.
    fn improvements<'a>(&mut self, before: &Servers<'a>, after: &Servers<'a>) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        for (of, (key, server)) in after {
            let mut step = |change| {
                steps.push(Step {
                    change,
                    service: Some(*key),
                });
            };
            let old = before.get(of).map(|(_, old)| *old);
            match old {
                None => step(Change::AddVirtual(server.virtual_server.clone())),
                Some(old) if old.virtual_server != server.virtual_server => {
                    step(Change::SetVirtual(server.virtual_server.clone()));
                }
                Some(_) => {}
            }
            let had: BTreeMap<_, _> = old
                .iter()
                .flat_map(|old| &old.real_servers)
                .map(|server| (server.address, server))
                .collect();
            for real_server in &server.real_servers {
                match had.get(&real_server.address) {
                    None => step(Change::AddReal(*of, *real_server)),
                    Some(had) if *had != real_server => step(Change::SetReal(*of, *real_server)),
                    Some(_) => {}
                }
            }
            self.draining.call_off(*of, &server.real_servers);
        }
        steps
    }
}

/// The virtual servers of Services. Should two have one address (a node port and an external address
/// of the node, say), the first in order has it.
pub(crate) fn servers<'a>(
    contents: impl Iterator<Item = (&'a PlanKey, &'a Content)>,
) -> Servers<'a> {
    let mut servers = Servers::new();
    for (key, content) in contents {
        for server in &content.servers {
            let of = server.virtual_server.address;
            servers.entry(of).or_insert((key, server));
        }
    }
    servers
}

/// What was there and isn't wanted any more.
fn withdrawals(before: &Servers<'_>, after: &Servers<'_>) -> Vec<Withdrawal> {
    let mut withdrawals = Vec::new();
    for (of, (_, old)) in before {
        let what = match after.get(of) {
            None => What::Everything,
            Some((_, server)) => {
                let kept: std::collections::BTreeSet<_> =
                    server.real_servers.iter().map(|one| one.address).collect();
                let addresses = old.real_servers.iter().map(|one| one.address);
                let addresses: Vec<_> = addresses.filter(|one| !kept.contains(one)).collect();
                if addresses.is_empty() {
                    continue;
                }
                let can_drain = can_drain(&server.virtual_server.scheduler);
                What::RealServers {
                    addresses,
                    can_drain,
                }
            }
        };
        withdrawals.push(Withdrawal {
            of: *of,
            protocol: old.protocol,
            what,
        });
    }
    withdrawals
}

/// Names the ports that there was no mark for.
pub(crate) fn unmarked(key: &PlanKey, content: &Content) -> Option<Refusal> {
    let ports = content.unmarked.first()?;
    Some(Refusal {
        service: Some(key.clone()),
        object: format!("a mark for connections from inside to {ports}"),
        reason: "all 16,383 marks are in use: they go where those from outside go".to_owned(),
    })
}

pub(crate) fn count(servers: &Servers<'_>) -> usize {
    servers
        .values()
        .map(|(_, server)| server.real_servers.len())
        .sum()
}
