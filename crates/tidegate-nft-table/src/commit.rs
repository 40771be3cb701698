//! Sends units of changes to the kernel, and finds out which of them it refuses.

use nix::errno::Errno;
use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_netlink::nftables::{Batch, CommitError, Element};

use crate::diff::{Placed, Unit};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::table_set::TableSet;

/// How many elements go into one transaction. The kernel keeps everybody else's changes waiting
/// while it works on one; this many take some tens of milliseconds.
const AT_ONCE: usize = 25_000;

/// How many units may be refused before the kernel is held to refuse everything.
const MOST_REFUSALS: usize = 100;

/// Commits units, several in one transaction, each whole or not at all.
///
/// When the kernel refuses a transaction, it is halved until the refused unit stands alone; that
/// one is reported, and all others go in.
pub(crate) fn commit_units<S: TableSet>(
    kernel: &mut Kernel,
    frame: &Frame<S>,
    units: &[Unit<'_, S>],
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let mut rest = units;
    while !rest.is_empty() {
        let mut elements = 0;
        let fitting = rest.iter().take_while(|unit| {
            elements += unit.len();
            elements <= AT_ONCE
        });
        let (some, others) = rest.split_at(fitting.count().max(1));
        commit_together(kernel, frame, some, outcome)?;
        rest = others;
    }
    Ok(())
}

/// Appends what units remove and then what they add, set by set.
pub(crate) fn append<S: TableSet>(batch: &mut Batch, frame: &Frame<S>, units: &[Unit<'_, S>]) {
    for (id, set) in &frame.sets {
        batch.delete_elements(&frame.table, set, of_set(units, *id, |unit| &unit.remove));
    }
    for (id, set) in &frame.sets {
        batch.add_elements(&frame.table, set, of_set(units, *id, |unit| &unit.add));
    }
}

/// Deletes chains that nothing leads to any more, with their rules; whether that was done. Older
/// kernels (before 6.2) count an element that led to a chain for a moment after its deletion, and
/// refuse: then it must be tried again later.
pub(crate) fn delete_chains<'a, S: TableSet>(
    kernel: &mut Kernel,
    frame: &Frame<S>,
    names: impl Iterator<Item = &'a String> + Clone,
) -> Result<bool, DataplaneError> {
    let mut batch = Batch::new();
    for name in names.clone() {
        batch.flush_chain(&frame.table, name);
    }
    for name in names {
        batch.delete_chain(&frame.table, name);
    }
    match kernel.nftables.commit(batch) {
        Ok(()) => Ok(true),
        Err(CommitError::Refused(refused))
            if refused.iter().all(|one| one.reason.errno == Errno::EBUSY) =>
        {
            Ok(false)
        }
        Err(error) => Err(kernel.words.of_commit("deleting chains", error)),
    }
}

fn of_set<'a, S: TableSet>(
    units: &'a [Unit<'a, S>],
    id: S,
    part: fn(&'a Unit<'a, S>) -> &'a Vec<&'a Placed<S>>,
) -> impl Iterator<Item = &'a Element> {
    let all = units.iter().flat_map(part);
    all.filter(move |(set, _)| *set == id)
        .map(|(_, element)| element)
}

fn commit_together<S: TableSet>(
    kernel: &mut Kernel,
    frame: &Frame<S>,
    units: &[Unit<'_, S>],
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let mut batch = Batch::new();
    append(&mut batch, frame, units);
    let refused = match kernel.nftables.commit(batch) {
        Ok(()) => {
            outcome.changed += units.iter().map(Unit::len).sum::<usize>();
            return Ok(());
        }
        Err(CommitError::Refused(refused)) if outcome.refused.len() < MOST_REFUSALS => refused,
        Err(error) => {
            let step = "changing the elements of our tables";
            return Err(kernel.words.of_commit(step, error));
        }
    };
    match units {
        [] => Ok(()),
        [unit] => {
            outcome.refused.extend(refused.first().map(|first| Refusal {
                service: unit.service.cloned(),
                object: first.object.clone(),
                reason: first.reason.to_string(),
            }));
            Ok(())
        }
        several => {
            let (first, second) = several.split_at(several.len() / 2);
            commit_together(kernel, frame, first, outcome)?;
            commit_together(kernel, frame, second, outcome)
        }
    }
}
