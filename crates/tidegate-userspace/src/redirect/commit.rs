//! Sends changes of elements to the kernel, and finds out which of them it refuses.

use std::collections::HashMap;

use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_netlink::nftables::{Batch, CommitError, Element, Nftables, Tuple};
use tidegate_plan::PlanKey;

use super::content::Placed;
use super::frame::Frame;
use super::sets::SetId;
use crate::error::of_commit;

/// How many elements go into one transaction. The kernel keeps everybody else's changes waiting
/// while it works on one; this many take some tens of milliseconds.
const AT_ONCE: usize = 25_000;

/// How many Services may be refused before the kernel is held to refuse everything.
const MOST_REFUSALS: usize = 100;

/// Changes that must happen together: those of one Service, or those that belong to none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit<'a> {
    service: Option<&'a PlanKey>,
    pub(crate) remove: Vec<&'a Placed>,
    pub(crate) add: Vec<&'a Placed>,
}

impl<'a> Unit<'a> {
    /// How many elements it touches.
    pub(crate) fn len(&self) -> usize {
        self.remove.len() + self.add.len()
    }

    /// The way from some elements to others. Comments don't count.
    pub(crate) fn between(
        service: Option<&'a PlanKey>,
        before: impl IntoIterator<Item = &'a Placed>,
        after: impl IntoIterator<Item = &'a Placed>,
    ) -> Self {
        type Place<'a> = (SetId, &'a Tuple, Option<&'a Tuple>);
        let place = |(set, element): &'a Placed| -> Place<'a> {
            (*set, &element.key, element.last.as_ref())
        };
        let mut before: HashMap<Place<'a>, &'a Placed> = before
            .into_iter()
            .map(|placed| (place(placed), placed))
            .collect();
        let mut unit = Self {
            service,
            ..Self::default()
        };
        for placed in after {
            match before.remove(&place(placed)) {
                Some(there) if there.1.data == placed.1.data => {}
                there => {
                    unit.remove.extend(there);
                    unit.add.push(placed);
                }
            }
        }
        unit.remove.extend(before.into_values());
        unit
    }
}

/// Commits units, several in one transaction, each whole or not at all. A refused transaction is
/// halved until the refused unit stands alone; that one is reported, and all others go in.
pub(crate) fn commit_units(
    kernel: &mut Nftables,
    frame: &Frame,
    units: &[Unit<'_>],
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
pub(crate) fn append(batch: &mut Batch, frame: &Frame, units: &[Unit<'_>]) {
    for (id, set) in &frame.sets {
        batch.delete_elements(&frame.table, set, of_set(units, *id, |unit| &unit.remove));
    }
    for (id, set) in &frame.sets {
        batch.add_elements(&frame.table, set, of_set(units, *id, |unit| &unit.add));
    }
}

fn of_set<'a>(
    units: &'a [Unit<'a>],
    id: SetId,
    part: fn(&'a Unit<'a>) -> &'a Vec<&'a Placed>,
) -> impl Iterator<Item = &'a Element> {
    let all = units.iter().flat_map(part);
    all.filter(move |(set, _)| *set == id)
        .map(|(_, element)| element)
}

fn commit_together(
    kernel: &mut Nftables,
    frame: &Frame,
    units: &[Unit<'_>],
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let mut batch = Batch::new();
    append(&mut batch, frame, units);
    let refused = match kernel.commit(batch) {
        Ok(()) => {
            outcome.changed += units.iter().map(Unit::len).sum::<usize>();
            return Ok(());
        }
        Err(CommitError::Refused(refused)) if outcome.refused.len() < MOST_REFUSALS => refused,
        Err(error) => return Err(of_commit("changing the elements of our tables", error)),
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
