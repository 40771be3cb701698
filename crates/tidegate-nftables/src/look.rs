//! Finds out what the kernel has where our table belongs.

use std::collections::{HashMap, HashSet};

use tidegate_dataplane::DataplaneError;
use tidegate_netlink::nftables::{Chain, ChainFound, Nftables, Rule, RuleFound};

use crate::error::of_socket;
use crate::memory::is_of_memory;
use crate::program::Program;

/// What the kernel has where our table belongs.
pub(crate) enum Found {
    /// No table.
    Nothing,
    /// A table of another shape, or with sets or chains that aren't ours.
    Unusable(String),
    /// Our table. Some chains have other rules than they should, or are missing; some of memories
    /// should not be there.
    Usable {
        changed: Vec<String>,
        leftover: Vec<String>,
    },
}

/// Reads all of our table but its elements, and compares it with what it must be.
pub(crate) fn look(
    kernel: &mut Nftables,
    program: &Program,
    memory_chains: &[(Chain, Vec<Rule>)],
) -> Result<Found, DataplaneError> {
    let frame = &program.frame;
    let tables = read(kernel.tables(frame.table.family))?;
    let Some(table) = tables.iter().find(|table| table.name == frame.table.name) else {
        return Ok(Found::Nothing);
    };
    if table.comment != frame.table.comment {
        return Ok(Found::Unusable("it has another shape".to_owned()));
    }
    let sets = read(kernel.sets(&frame.table))?;
    let differs = frame
        .sets
        .iter()
        .find(|(_, set)| !sets.iter().any(|found| found.is(set)));
    if let Some((id, _)) = differs {
        let why = format!("set {} was missing or another one", id.name());
        return Ok(Found::Unusable(why));
    }
    let chains = read(kernel.chains(&frame.table))?;
    let there: HashMap<&str, &ChainFound> = chains
        .iter()
        .map(|found| (found.name.as_str(), found))
        .collect();
    let wanted = || frame.chains.iter().chain(memory_chains);
    let differs = wanted().find(|(chain, _)| match there.get(chain.name.as_str()) {
        Some(found) => !found.is(chain),
        None => !is_of_memory(&chain.name),
    });
    if let Some((chain, _)) = differs {
        let why = format!("chain {} was missing or another one", chain.name);
        return Ok(Found::Unusable(why));
    }
    let names: HashSet<&str> = wanted().map(|(chain, _)| chain.name.as_str()).collect();
    let surplus = there.keys().filter(|name| !names.contains(*name));
    let mut leftover: Vec<String> = surplus.map(|name| (*name).to_owned()).collect();
    leftover.sort_unstable();
    if sets.len() != frame.sets.len() || !leftover.iter().all(|name| is_of_memory(name)) {
        return Ok(Found::Unusable(
            "it had sets or chains of others".to_owned(),
        ));
    }
    let mut by_chain: HashMap<String, Vec<RuleFound>> = HashMap::new();
    for rule in read(kernel.rules(&frame.table))? {
        by_chain.entry(rule.chain.clone()).or_default().push(rule);
    }
    let changed = wanted().filter(|(chain, rules)| {
        let there = by_chain.get(&chain.name).map_or(&[][..], Vec::as_slice);
        there.len() != rules.len() || !there.iter().zip(rules).all(|(found, rule)| found.is(rule))
    });
    Ok(Found::Usable {
        changed: changed.map(|(chain, _)| chain.name.clone()).collect(),
        leftover,
    })
}

/// Tells an operator what was found to differ.
pub(crate) fn tell(found: &Found, table: String, was_there: bool, drift: &mut Vec<String>) {
    match found {
        Found::Nothing if was_there => drift.push(format!("{table} was gone")),
        Found::Nothing => {}
        Found::Unusable(why) => drift.push(format!("{table} was not usable: {why}")),
        Found::Usable { changed, leftover } => {
            let changed = changed.iter();
            drift.extend(changed.map(|name| format!("{table}: chain {name} had other rules")));
            let leftover = leftover.iter();
            drift.extend(leftover.map(|name| format!("{table}: chain {name} should not be there")));
        }
    }
}

/// Puts a failed reading into the words of the dataplane.
pub(crate) fn read<T>(
    result: Result<T, tidegate_netlink::SocketError>,
) -> Result<T, DataplaneError> {
    result.map_err(|error| of_socket("reading our table", error))
}
