//! Reads a table and makes it what it must be.

use std::collections::HashSet;

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_netlink::nftables::{Batch, Chain, CommitError, Nftables, Rule};

use crate::commit::{append, commit_units, delete_chains};
use crate::diff::{Placed, Shares, Unit, by_place, differences};
use crate::error::{of_commit, of_frame};
use crate::look::{Found, look, read, tell};
use crate::memory::is_of_memory;
use crate::program::Program;
use crate::report::Report;
use crate::sets::SetId;

/// How often the frame is read again because somebody changed the packet filter meanwhile.
const ATTEMPTS: usize = 10;

/// How many chains go into one transaction of a first program, for the same reason that limits
/// elements.
const CHAINS_AT_ONCE: usize = 4000;

/// Makes the kernel's table exactly that of a program, and counts what its Services share.
pub(crate) fn reconcile(
    kernel: &mut Nftables,
    program: &Program,
    was_there: bool,
    outcome: &mut Outcome,
) -> Result<Shares, DataplaneError> {
    let memory_chains = program.memory_chains();
    for _ in 0..ATTEMPTS {
        let generation = read(kernel.generation())?;
        let found = look(kernel, program, &memory_chains)?;
        let mut batch = Batch::since(generation);
        let frame = &program.frame;
        let table = &frame.table;
        let is_usable = matches!(found, Found::Usable { .. });
        if let Found::Unusable(_) = found {
            batch.delete_table(table);
        }
        if !is_usable {
            frame.create(&mut batch);
        }
        // In an empty place nothing leads to memories yet, so they go in piece by piece.
        let (at_once, piece_by_piece) = match found {
            Found::Nothing => (&[][..], memory_chains.as_slice()),
            Found::Usable { .. } | Found::Unusable(_) => (memory_chains.as_slice(), &[][..]),
        };
        let all = frame.chains.iter().chain(at_once);
        let rewritten: Vec<&(Chain, Vec<Rule>)> = match &found {
            Found::Usable { changed, .. } => {
                let changed: HashSet<&str> = changed.iter().map(String::as_str).collect();
                all.filter(|(chain, _)| changed.contains(chain.name.as_str()))
                    .collect()
            }
            Found::Nothing | Found::Unusable(_) => all.collect(),
        };
        for (chain, _) in rewritten
            .iter()
            .filter(|(chain, _)| is_of_memory(&chain.name))
        {
            batch.add_chain(table, chain);
        }
        for (chain, rules) in &rewritten {
            frame.rewrite(&mut batch, chain, rules);
        }
        let mut drift = Vec::new();
        let mut shares = Shares::default();
        let there = match is_usable {
            true => read_elements(kernel, program)?,
            false => Vec::new(),
        };
        let units = match is_usable {
            true => units_of_difference(program, &there, &mut shares, &mut drift),
            false => units_from_nothing(program, &mut shares),
        };
        // What takes the place of a table that works must do so in one piece.
        let in_one_piece = matches!(found, Found::Unusable(_));
        if in_one_piece {
            append(&mut batch, frame, &units);
        }
        let rules: usize = rewritten.iter().map(|(_, rules)| rules.len()).sum();
        match kernel.commit(batch) {
            Ok(()) => {}
            Err(CommitError::Overtaken) => continue,
            Err(error) => return Err(of_frame("writing our table", error)),
        }
        outcome.changed += rules;
        for some in piece_by_piece.chunks(CHAINS_AT_ONCE) {
            let mut batch = Batch::new();
            for (chain, rules) in some {
                batch.add_chain(table, chain);
                frame.rewrite(&mut batch, chain, rules);
            }
            let written = kernel.commit(batch);
            written.map_err(|error| of_commit("adding chains", error))?;
            outcome.changed += some.len();
        }
        tell(&found, table.to_string(), was_there, &mut outcome.drift);
        outcome.drift.append(&mut drift);
        if in_one_piece {
            outcome.changed += units.iter().map(|unit| unit.len()).sum::<usize>();
        } else {
            commit_units(kernel, frame, &units, outcome)?;
        }
        if let Found::Usable { leftover, .. } = &found
            && delete_chains(kernel, frame, leftover.iter())?
        {
            outcome.changed += leftover.len();
        }
        return Ok(shares);
    }
    Err(of_commit("writing our table", CommitError::Overtaken))
}

/// The elements that are there, sorted by set and key.
fn read_elements(kernel: &mut Nftables, program: &Program) -> Result<Vec<Placed>, DataplaneError> {
    let mut all = Vec::new();
    for (id, set) in &program.frame.sets {
        if !id.is_learned() {
            let elements = read(kernel.elements(&program.frame.table, set))?;
            all.extend(elements.into_iter().map(|element| (*id, element)));
        }
    }
    all.sort_unstable_by(by_place);
    Ok(all)
}

/// What a table without elements needs, in an order in which it can be done piece by piece: first
/// what the settings say about addresses, then one Service after another, last the ranges in which
/// unclaimed cluster IPs are dropped.
fn units_from_nothing<'a>(program: &'a Program, shares: &mut Shares) -> Vec<Unit<'a>> {
    let settings = |is_last: bool| {
        let all = program.frame.elements.iter();
        Unit {
            add: all
                .filter(|(set, _)| (*set == SetId::ServiceRanges) == is_last)
                .collect(),
            ..Unit::default()
        }
    };
    let services = program.services.iter().map(|(key, content)| {
        let mut unit = Unit {
            service: Some(key),
            remove: Vec::new(),
            add: content.elements.iter().collect(),
        };
        shares.settle(&mut unit);
        unit
    });
    let mut units = vec![settings(false)];
    units.extend(services);
    units.push(settings(true));
    units
}

/// What has to change in a table that has elements: one Service after another, and last what
/// belongs to none, such as elements that nobody needs any more.
fn units_of_difference<'a>(
    program: &'a Program,
    there: &'a [Placed],
    shares: &mut Shares,
    drift: &mut Vec<String>,
) -> Vec<Unit<'a>> {
    let mut units = units_from_nothing(program, shares);
    let mut wanted: Vec<(&Placed, usize)> = Vec::new();
    for (owner, unit) in units.iter_mut().enumerate() {
        wanted.extend(unit.add.drain(..).map(|placed| (placed, owner)));
    }
    wanted.sort_unstable_by(|(one, _), (other, _)| by_place(one, other));
    let mut report = Report::default();
    let (mut first, mut last) = (Unit::default(), Unit::default());
    for difference in differences(there.iter(), wanted.iter().map(|(placed, _)| *placed)) {
        report.add(program, difference);
        let owner = difference.after().and_then(|after| {
            let place = wanted.binary_search_by(|(one, _)| by_place(one, after));
            place.ok().and_then(|place| wanted.get(place))
        });
        let unit = match (owner, difference.before()) {
            (Some((_, owner)), _) => units.get_mut(*owner),
            // A range must be gone before another one can take a part of its place.
            (None, Some((set, _))) if is_of_ranges(*set) => Some(&mut first),
            (None, _) => Some(&mut last),
        };
        let Some(unit) = unit else { continue };
        unit.remove.extend(difference.before());
        unit.add.extend(difference.after());
    }
    drift.extend(report.lines());
    units.insert(0, first);
    units.push(last);
    units.retain(|unit| unit.len() > 0);
    units
}

fn is_of_ranges(set: SetId) -> bool {
    use SetId::{Admitted, NodePortRanges, Pods, ServiceRanges};
    matches!(set, Admitted | NodePortRanges | Pods | ServiceRanges)
}
