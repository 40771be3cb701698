//! Finds out what the kernel has where our table belongs.

use std::collections::{HashMap, HashSet};

use tidegate_dataplane::DataplaneError;
use tidegate_netlink::nftables::{ChainFound, Rule, RuleFound, Table};

use crate::diff::{Placed, by_place};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::table::ServiceTable;
use crate::table_set::TableSet;
use crate::wanted::Wanted;

/// What is told to have failed when the kernel doesn't answer.
pub(crate) const READING: &str = "reading our table";

/// What the kernel has where our table belongs.
pub(crate) enum Found {
    /// No table.
    Nothing,
    /// A table of another shape, or with sets or chains that aren't ours.
    Unusable(String),
    /// Our table.
    Usable {
        /// The chains that have other rules than they should, and those that are missing of those
        /// that come and go.
        changed: Vec<Changed>,
        /// Chains of Services that don't need them any more.
        leftover: Vec<String>,
    },
}

/// A chain with other rules than it should have.
pub(crate) struct Changed {
    pub(crate) chain: String,
    /// Whether they are the ones that we gave it when something else was wanted.
    is_as_left: bool,
}

/// Reads all of our table but its elements, and compares it with what it must be.
pub(crate) fn look<S: TableSet>(
    kernel: &mut Kernel,
    wanted: &Wanted<'_, S>,
    known: Option<&ServiceTable<S>>,
) -> Result<Found, DataplaneError> {
    let frame = &wanted.frame;
    let table = &frame.table;
    let tables = kernel.ask(READING, |nftables| nftables.tables(table.family))?;
    let Some(there) = tables.iter().find(|there| there.name == table.name) else {
        return Ok(Found::Nothing);
    };
    if there.comment != table.comment {
        return Ok(Found::Unusable("it has another shape".to_owned()));
    }
    let sets = kernel.ask(READING, |nftables| nftables.sets(table))?;
    let is_there = |set| sets.iter().any(|found| found.is(set));
    if let Some((_, set)) = frame.sets.iter().find(|(_, set)| !is_there(set)) {
        let why = format!("set {} was missing or another one", set.name);
        return Ok(Found::Unusable(why));
    }
    let chains = kernel.ask(READING, |nftables| nftables.chains(table))?;
    let there: HashMap<&str, &ChainFound> = chains
        .iter()
        .map(|found| (found.name.as_str(), found))
        .collect();
    let differs = wanted
        .all_chains()
        .find(|(chain, _)| match there.get(chain.name.as_str()) {
            Some(found) => !found.is(chain),
            None => !frame.comes_and_goes(&chain.name),
        });
    if let Some((chain, _)) = differs {
        let why = format!("chain {} was missing or another one", chain.name);
        return Ok(Found::Unusable(why));
    }
    let names: HashSet<&str> = wanted
        .all_chains()
        .map(|(chain, _)| chain.name.as_str())
        .collect();
    let surplus = there.keys().filter(|name| !names.contains(*name));
    let mut leftover: Vec<String> = surplus.map(|name| (*name).to_owned()).collect();
    leftover.sort_unstable();
    if sets.len() != frame.sets.len() || !leftover.iter().all(|name| frame.comes_and_goes(name)) {
        let why = "it had sets or chains of others";
        return Ok(Found::Unusable(why.to_owned()));
    }
    Ok(Found::Usable {
        changed: changed_chains(kernel, wanted, known)?,
        leftover,
    })
}

/// The elements that are there, sorted by set and key.
pub(crate) fn read_elements<S: TableSet>(
    kernel: &mut Kernel,
    frame: &Frame<S>,
) -> Result<Vec<Placed<S>>, DataplaneError> {
    let mut all = Vec::new();
    for (id, set) in frame.sets.iter().filter(|(id, _)| !id.is_learned()) {
        let elements = kernel.ask(READING, |nftables| nftables.elements(&frame.table, set))?;
        all.extend(elements.into_iter().map(|element| (*id, element)));
    }
    all.sort_unstable_by(by_place);
    Ok(all)
}

fn changed_chains<S: TableSet>(
    kernel: &mut Kernel,
    wanted: &Wanted<'_, S>,
    known: Option<&ServiceTable<S>>,
) -> Result<Vec<Changed>, DataplaneError> {
    let mut by_chain: HashMap<String, Vec<RuleFound>> = HashMap::new();
    for rule in kernel.ask(READING, |nftables| nftables.rules(&wanted.frame.table))? {
        by_chain.entry(rule.chain.clone()).or_default().push(rule);
    }
    let changed = wanted.all_chains().filter_map(|(chain, rules)| {
        let there = by_chain.get(&chain.name).map_or(&[][..], Vec::as_slice);
        (!are(there, rules)).then(|| Changed {
            chain: chain.name.clone(),
            is_as_left: known.is_some_and(|known| known.left(&chain.name, there)),
        })
    });
    Ok(changed.collect())
}

/// Whether rules that were found are these.
pub(crate) fn are(found: &[RuleFound], rules: &[Rule]) -> bool {
    found.len() == rules.len() && found.iter().zip(rules).all(|(found, rule)| found.is(rule))
}

impl Found {
    /// Tells an operator what others changed, besides elements.
    pub(crate) fn tell<S: TableSet>(
        &self,
        table: &Table,
        known: Option<&ServiceTable<S>>,
        drift: &mut Vec<String>,
    ) {
        match self {
            Self::Nothing if known.is_some() => drift.push(format!("{table} was gone")),
            Self::Nothing => {}
            Self::Unusable(why) => drift.push(format!("{table} was not usable: {why}")),
            Self::Usable { changed, leftover } => {
                let by_others = changed.iter().filter(|changed| !changed.is_as_left);
                let told = |one: &Changed| format!("{table}: chain {} had other rules", one.chain);
                drift.extend(by_others.map(told));
                let is_ours = |name: &str| known.is_some_and(|known| known.wants_gone(name));
                let by_others = leftover.iter().filter(|name| !is_ours(name));
                let told = |name| format!("{table}: chain {name} should not be there");
                drift.extend(by_others.map(told));
            }
        }
    }
}
