//! Makes a table what it must be.

use std::collections::HashSet;

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_netlink::nftables::{Batch, Chain, CommitError, Family, Nftables, Rule};

use crate::commit::{append, commit_units, delete_chains};
use crate::diff::{Placed, Unit, by_place, differences};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::look::{Found, READING, look, read_elements};
use crate::report::Report;
use crate::shares::Shares;
use crate::table::ServiceTable;
use crate::table_set::TableSet;
use crate::wanted::Wanted;

/// How often the table is read again because somebody changed the packet filter meanwhile.
const ATTEMPTS: usize = 10;

/// How many chains go into one transaction of a first program, for the same reason that limits
/// elements.
const CHAINS_AT_ONCE: usize = 4000;

/// What is told to have failed when the table can't be written.
const WRITING: &str = "writing our table";

/// Makes the kernel's table exactly what is wanted, and counts what Services share.
pub(crate) fn reconcile<S: TableSet>(
    kernel: &mut Kernel,
    wanted: &Wanted<'_, S>,
    known: Option<&ServiceTable<S>>,
    outcome: &mut Outcome,
) -> Result<Shares<S>, DataplaneError> {
    let frame = &wanted.frame;
    for _ in 0..ATTEMPTS {
        let generation = kernel.ask(READING, Nftables::generation)?;
        let found = look(kernel, wanted, known)?;
        let mut shares = Shares::new();
        let mut report = Report::about(&frame.table);
        let mut units = wanted.units(&mut shares);
        let there;
        if let Found::Usable { .. } = found {
            there = read_elements(kernel, frame)?;
            units = only_differences(units, &there, &mut report, frame.table.family);
        }
        let mut batch = Batch::since(generation);
        let chains = differing_chains(wanted, &found);
        let rules: usize = chains.iter().map(|(_, rules)| rules.len()).sum();
        // Elements that are there may need rules that those to come don't, such as one for a number
        // of slots: until they have changed, both kinds of rules are there.
        let is_gradual = matches!(found, Found::Usable { .. }) && !units.is_empty();
        let (gradual, at_once): (Vec<_>, Vec<_>) = chains
            .into_iter()
            .partition(|(chain, _)| is_gradual && !frame.comes_and_goes(&chain.name));
        write_frame(&mut batch, frame, &found, &at_once);
        frame.append(&mut batch, &gradual);
        // What takes the place of a table that works must do so in one piece.
        let in_one_piece = matches!(found, Found::Unusable(_));
        if in_one_piece {
            append(&mut batch, frame, &units);
        }
        match kernel.nftables.commit(batch) {
            Ok(()) => {}
            Err(CommitError::Overtaken) => continue,
            Err(error) => return Err(kernel.words.of_frame(WRITING, error)),
        }
        outcome.changed += rules;
        found.tell(&frame.table, known, &mut outcome.drift);
        outcome.drift.extend(report.lines());
        if let Found::Nothing = found {
            add_chains(kernel, wanted, outcome)?;
        }
        match in_one_piece {
            true => outcome.changed += units.iter().map(Unit::len).sum::<usize>(),
            false => commit_units(kernel, frame, &units, outcome)?,
        }
        if !gradual.is_empty() {
            let mut batch = Batch::new();
            frame.write(&mut batch, gradual);
            kernel.commit(WRITING, batch)?;
        }
        if let Found::Usable { leftover, .. } = &found
            && delete_chains(kernel, frame, leftover.iter())?
        {
            outcome.changed += leftover.len();
        }
        return Ok(shares);
    }
    Err(kernel.words.of_commit(WRITING, CommitError::Overtaken))
}

/// The chains whose rules have to be written before elements are.
fn differing_chains<'w, S: TableSet>(
    wanted: &'w Wanted<'_, S>,
    found: &Found,
) -> Vec<&'w (Chain, Vec<Rule>)> {
    match found {
        // Nothing leads to Services' chains yet, so they go in piece by piece.
        Found::Nothing => wanted.frame.chains.iter().collect(),
        Found::Unusable(_) => wanted.all_chains().collect(),
        Found::Usable { changed, .. } => {
            let changed: HashSet<&String> = changed.iter().map(|one| &one.chain).collect();
            let all = wanted.all_chains();
            all.filter(|(chain, _)| changed.contains(&chain.name))
                .collect()
        }
    }
}

/// Writes what has to be there before elements can be.
fn write_frame<S: TableSet>(
    batch: &mut Batch,
    frame: &Frame<S>,
    found: &Found,
    chains: &[&(Chain, Vec<Rule>)],
) {
    if let Found::Unusable(_) = found {
        batch.delete_table(&frame.table);
    }
    if !matches!(found, Found::Usable { .. }) {
        frame.create(batch);
    }
    frame.write(batch, chains.iter().copied());
}

/// Adds the chains of Services, to which nothing leads yet.
fn add_chains<S: TableSet>(
    kernel: &mut Kernel,
    wanted: &Wanted<'_, S>,
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    for some in wanted.chains.chunks(CHAINS_AT_ONCE) {
        let mut batch = Batch::new();
        wanted.frame.write(&mut batch, some);
        kernel.commit("adding chains", batch)?;
        outcome.changed += some.len();
    }
    Ok(())
}

/// What has to change in a table that has elements: one unit after another as for an empty table,
/// and last what belongs to none, such as elements that nobody needs any more.
fn only_differences<'a, S: TableSet>(
    mut units: Vec<Unit<'a, S>>,
    there: &'a [Placed<S>],
    report: &mut Report<'_, S>,
    family: Family,
) -> Vec<Unit<'a, S>> {
    let mut wanted: Vec<(&Placed<S>, usize)> = Vec::new();
    for (owner, unit) in units.iter_mut().enumerate() {
        wanted.extend(unit.add.drain(..).map(|placed| (placed, owner)));
    }
    wanted.sort_unstable_by(|(one, _), (other, _)| by_place(one, other));
    let (mut first, mut last) = (Unit::new(None), Unit::new(None));
    for difference in differences(there.iter(), wanted.iter().map(|(placed, _)| *placed)) {
        report.add(&difference);
        let owner = difference.after().and_then(|after| {
            let place = wanted.binary_search_by(|(one, _)| by_place(one, after));
            place.ok().and_then(|place| wanted.get(place))
        });
        let unit = match (owner, difference.before()) {
            (Some((_, owner)), _) => units.get_mut(*owner),
            // A range must be gone before another one can take a part of its place.
            (None, Some((set, _))) if set.definition(family).interval => Some(&mut first),
            (None, _) => Some(&mut last),
        };
        if let Some(unit) = unit {
            unit.take(difference);
        }
    }
    units.insert(0, first);
    units.push(last);
    units.retain(|unit| unit.len() > 0);
    units
}
