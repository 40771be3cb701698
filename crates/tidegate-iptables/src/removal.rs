//! Takes away what is ours, and nothing else.

use std::collections::{BTreeSet, HashSet};

use tidegate_dataplane::{DataplaneError, Outcome};

use crate::chains::{FIREWALL, Table};
use crate::commit::Commit;
use crate::edit::Edit;
use crate::frame::{Frame, jumps};
use crate::listing::{TableListing, target};
use crate::sysctl;
use crate::tally::Tally;
use crate::tool::Tool;

/// Removes our chains, and the ways to them, from all tables of one tool.
///
/// # Errors
/// The tables can't be read or changed.
pub(crate) fn remove(tool: &Tool) -> Result<(), DataplaneError> {
    let listing = tool.list()?;
    let filter = listing.table(Table::Filter);
    if filter.find_other(FIREWALL, &Frame::guard()).is_some() {
        // Before the rule goes that guards this.
        let off = sysctl::do_not_route_loopback();
        off.map_err(|error| DataplaneError::Failed {
            step: "setting net.ipv4.conf.all.route_localnet to 0".to_owned(),
            reason: error.to_string(),
        })?;
    }
    // Translating ends before refusing does.
    for table in [Table::Nat, Table::Filter, Table::Mangle] {
        let there = listing.table(table);
        let mut outcome = Outcome::default();
        let mut commit = Commit {
            tool,
            table,
            outcome: &mut outcome,
            tally: &mut Tally::default(),
        };
        commit.run(vec![removal(table, &there)])?;
    }
    Ok(())
}

/// What has to be done to a table. A chain that others still use stays.
fn removal(table: Table, there: &TableListing) -> Edit<'_> {
    let mut edit = Edit::default();
    if there.chains.is_empty() {
        return edit;
    }
    let is_jump = ways_in(table, there);
    let mut used_by_others: HashSet<&str> = HashSet::new();
    for (chain, rule) in &there.others {
        let to = target(rule).filter(|to| table.owns(to));
        match to {
            Some(_) if is_jump(chain, rule) => edit.remove.push((chain, rule)),
            Some(to) => {
                used_by_others.insert(to);
            }
            None => {}
        }
    }
    let names = there.chains.keys().map(String::as_str);
    let unused: BTreeSet<&str> = names
        .filter(|name| !used_by_others.contains(name))
        .collect();
    edit.delete.extend(unused);
    add_firewall(there, &mut edit, is_jump);
    edit
}

/// Whether a rule leads to our chains as ours do.
fn ways_in(table: Table, there: &TableListing) -> impl Fn(&str, &str) -> bool {
    let jumps = jumps(true)
        .into_iter()
        .filter(move |jump| jump.table == table);
    let ours: HashSet<(&str, String)> = jumps
        .filter_map(|jump| {
            let printed = there.find_other(jump.from, &jump.rule)?;
            Some((jump.from, printed.to_owned()))
        })
        .collect();
    move |chain, rule| {
        ours.iter()
            .any(|(from, ours)| *from == chain && ours == rule)
    }
}

/// The chain that we share with old kubelets goes only if nobody else has anything in it.
fn add_firewall<'a>(
    there: &'a TableListing,
    edit: &mut Edit<'a>,
    is_jump: impl Fn(&str, &str) -> bool,
) {
    let Some(ours) = there.find_other(FIREWALL, &Frame::guard()) else {
        return;
    };
    let others = || there.others.iter();
    let rules = others().filter(|(chain, _)| chain == FIREWALL).count();
    let to_it = || others().filter(|(_, rule)| target(rule) == Some(FIREWALL));
    if rules == 1 && to_it().all(|(chain, rule)| is_jump(chain, rule)) {
        let jumps = to_it().map(|(chain, rule)| (chain.as_str(), rule.as_str()));
        edit.remove.extend(jumps);
        edit.delete.push(FIREWALL);
    } else {
        edit.remove.push((FIREWALL, ours));
    }
}
