//! Reads one family's part of the kernel and makes it what it must be.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_model::{IpFamily, Protocol};
use tidegate_netlink::ipvs::VirtualAddress;
use tidegate_netlink::links::Link;
use tidegate_plan::Plan;

use crate::IpvsOptions;
use crate::addresses::NodeAddresses;
use crate::compare::{draining_of, improvements, withdrawals};
use crate::content::Placed;
use crate::drift::Drift;
use crate::family_state::{FamilyState, count, servers, unmarked};
use crate::found::{Claims, Found};
use crate::iptables::{Iptables, RulesFound};
use crate::program::Program;
use crate::requirements::Kernel;
use crate::servers::commit;
use crate::shares::{Difference, Shares};
use crate::withdraw::withdraw;
use crate::{device, elements, keep_sets};

/// What a reconcile of a family starts from.
pub(crate) struct Start<'a> {
    pub(crate) family: IpFamily,
    pub(crate) plan: &'a Plan,
    pub(crate) options: &'a IpvsOptions,
    pub(crate) link: &'a Link,
    pub(crate) found: &'a Found,
    /// How this process left the family, unless it begins with it.
    pub(crate) before: Option<FamilyState>,
    /// Virtual servers that were left for their connections when the mode gave way to another one.
    pub(crate) left: &'a BTreeMap<VirtualAddress, Protocol>,
    /// Whether there was a program, of this process or another one.
    pub(crate) was_there: bool,
}

/// Makes the kernel's part of a family exactly that of the plan.
pub(crate) fn reconcile(
    kernel: &mut Kernel,
    start: Start<'_>,
    outcome: &mut Outcome,
) -> Result<FamilyState, DataplaneError> {
    let Start {
        family,
        plan,
        options,
        link,
        found,
        before,
        left,
        was_there,
    } = start;
    let scheduler = &options.scheduler;
    let addresses =
        NodeAddresses::new(family, found.node_addresses.iter().copied(), &plan.settings);
    let (mut marks, mut draining) = before.as_ref().map_or_else(Default::default, |before| {
        (before.marks.clone(), before.draining.clone())
    });
    marks.keep_only(&ports(plan, family));
    let program = Program::of(plan, family, options, &addresses, &mut marks);
    let contents = || program.services.iter().map(|(key, content)| (key, content));
    let (mut shares, mut wanted) = (Shares::default(), Difference::default());
    for (key, content) in contents() {
        shares.add(key, content, &mut wanted);
        outcome.refused.extend(unmarked(key, content));
    }
    let wanted_servers = servers(contents());

    let there = keep_sets::read(&mut kernel.ipset, family, &found.sets)?;
    let mut lingering = std::mem::take(&mut draining.virtual_servers);
    lingering.extend(left);
    let claims = Claims {
        elements: &there,
        draining: &lingering,
        options,
    };
    let found_servers =
        found.our_servers(&mut kernel.ipvs, family, &claims, wanted_servers.keys())?;
    let made = keep_sets::ensure(&mut kernel.ipset, family, &found.sets)?;
    outcome.changed += made.len();

    let mut drift = Drift::new(was_there);
    for set in &made {
        drift.add(|| format!("ipset: {} was missing or another one", set.name(family)));
    }
    let there = there
        .into_iter()
        .filter(|placed| !made.contains(&placed.set));
    let there: BTreeSet<Placed> = there.collect();
    keep_missing(&mut wanted, &there, found, family, &mut drift);
    draining = draining_of(&found_servers, lingering);
    let steps = improvements(&wanted_servers, &found_servers, &mut drift);
    let withdrawals = withdrawals(&wanted_servers, &found_servers, &draining, &mut drift);
    for (of, (_, server)) in &wanted_servers {
        draining.call_off(*of, &server.real_servers);
    }
    let old_elements = unneeded(&there, &shares, family, &mut drift);

    let new_elements = &wanted.new_elements;
    commit(&mut kernel.ipvs, steps, scheduler, outcome)?;
    elements::add(&mut kernel.ipset, family, new_elements, outcome)?;
    device::add(&mut kernel.links, link, &wanted.new_addresses, outcome)?;
    let rules = write_rules(family, &program, before.as_ref(), &mut drift, outcome)?;
    withdraw(
        &mut kernel.ipvs,
        &withdrawals,
        &mut draining,
        scheduler,
        outcome,
    )?;
    elements::delete(
        &mut kernel.ipset,
        family,
        &old_elements,
        new_elements,
        outcome,
    )?;
    let gone: Vec<_> = found
        .virtual_addresses_of(family)
        .filter(|ip| !shares.needs(*ip) && !draining.needs(*ip) && !options.excludes(*ip))
        .collect();
    device::delete(&mut kernel.links, link, &gone, outcome)?;
    outcome.drift.extend(drift.lines());
    Ok(FamilyState {
        family,
        tables: program.tables,
        rules,
        addresses,
        virtual_servers: wanted_servers.len(),
        real_servers: count(&wanted_servers),
        marks,
        shares,
        draining,
    })
}

/// Leaves of what is wanted only what isn't there.
fn keep_missing(
    wanted: &mut Difference<'_>,
    there: &BTreeSet<Placed>,
    found: &Found,
    family: IpFamily,
    drift: &mut Drift,
) {
    wanted
        .new_elements
        .retain(|(placed, _)| !there.contains(placed));
    for (placed, _) in &wanted.new_elements {
        let name = placed.set.name(family);
        drift.add(|| format!("ipset: {name} {} was missing", placed.entry));
    }
    let had = &found.virtual_addresses;
    wanted
        .new_addresses
        .retain(|(address, _)| !had.contains(address));
    for (address, _) in &wanted.new_addresses {
        drift.add(|| format!("{}: {address} was missing", crate::DEVICE));
    }
}

/// The elements that are there and that nobody needs.
fn unneeded(
    there: &BTreeSet<Placed>,
    shares: &Shares,
    family: IpFamily,
    drift: &mut Drift,
) -> Vec<Placed> {
    let needed: HashSet<&Placed> = shares.elements().collect();
    let old = there.iter().filter(|placed| !needed.contains(placed));
    let old: Vec<Placed> = old.copied().collect();
    for placed in &old {
        let name = placed.set.name(family);
        drift.add(|| format!("ipset: {name} {} should not be there", placed.entry));
    }
    old
}

/// Writes the rules, unless they are as this process has left them. How they read back depends on
/// the program that shows them, so they are compared with what they read back as before.
fn write_rules(
    family: IpFamily,
    program: &Program,
    before: Option<&FamilyState>,
    drift: &mut Drift,
    outcome: &mut Outcome,
) -> Result<RulesFound, DataplaneError> {
    let iptables = Iptables::find(family)?;
    let found = iptables.read()?;
    let as_left = before.filter(|before| before.tables == program.tables);
    if as_left.is_some_and(|before| before.rules == found) {
        return Ok(found);
    }
    iptables.write(&program.tables, &found)?;
    let written = iptables.read()?;
    if written != found {
        outcome.changed += written.len();
        for line in found.drift_from(&written) {
            drift.add(|| line);
        }
    }
    Ok(written)
}

fn ports(plan: &Plan, family: IpFamily) -> HashSet<&tidegate_model::ServicePortName> {
    let of_family = plan.services.iter().filter(|(key, _)| key.family == family);
    let ports = of_family.flat_map(|(_, service)| &service.ports);
    ports.map(|port| &port.name).collect()
}
