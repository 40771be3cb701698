//! Applying a group of transactions, one after the other, to the open tables.

use std::sync::Arc;

use super::tables::WriteTables;
use crate::commit::Conflict;
use crate::entry::{Entry, Revision};
use crate::operation::{Change, Operation};
use crate::watch::{Event, EventKind};

/// What a group of transactions did.
#[derive(Debug)]
pub(super) struct Applied {
    /// For each transaction the revision at which its changes are visible, or the expectation that failed.
    pub(super) outcomes: Vec<Result<Revision, Box<Conflict>>>,
    /// The changes, in order. Empty when the group changed nothing.
    pub(super) events: Vec<Event>,
    /// The revision after the group.
    pub(super) revision: Revision,
}

/// Applies the transactions in their order; each sees what the ones before it did.
///
/// An error leaves the tables half-changed: the caller must abort the redb transaction around them.
pub(super) fn apply(
    tables: &mut WriteTables<'_>,
    group: &[Vec<Operation>],
) -> Result<Applied, redb::Error> {
    let mut applied = Applied {
        outcomes: Vec::with_capacity(group.len()),
        events: Vec::new(),
        revision: tables.revision()?,
    };
    for operations in group {
        let outcome = match changes(tables, operations, applied.revision.next())? {
            Err(conflict) => Err(conflict),
            Ok(events) => {
                for event in &events {
                    write(tables, event)?;
                    applied.revision = event.revision();
                }
                applied.events.extend(events);
                Ok(applied.revision)
            }
        };
        applied.outcomes.push(outcome);
    }
    if !applied.events.is_empty() {
        tables.set_revision(applied.revision)?;
    }
    Ok(applied)
}

/// Checks every expectation and says what the transaction changes, without changing it.
fn changes(
    tables: &WriteTables<'_>,
    operations: &[Operation],
    revision: Revision,
) -> Result<Result<Vec<Event>, Box<Conflict>>, redb::Error> {
    let mut events = Vec::with_capacity(operations.len());
    for operation in operations {
        let found = tables.get(&operation.key)?;
        if !operation.expect.holds(found.as_ref()) {
            let key = Arc::clone(&operation.key);
            return Ok(Err(Box::new(Conflict {
                key,
                expected: operation.expect,
                found,
            })));
        }
        events.extend(change(operation, found, revision));
    }
    Ok(Ok(events))
}

fn change(operation: &Operation, found: Option<Entry>, revision: Revision) -> Option<Event> {
    match &operation.change {
        Change::Keep => None,
        Change::Put(value) => {
            let entry = Entry {
                key: Arc::clone(&operation.key),
                value: value.clone(),
                created: found.as_ref().map_or(revision, |entry| entry.created),
                modified: revision,
            };
            Some(Event {
                kind: EventKind::Put,
                entry,
                previous: found,
            })
        }
        Change::Delete => found.map(|previous| {
            let entry = Entry {
                modified: revision,
                ..previous.clone()
            };
            Event {
                kind: EventKind::Delete,
                entry,
                previous: Some(previous),
            }
        }),
    }
}

fn write(tables: &mut WriteTables<'_>, event: &Event) -> Result<(), redb::Error> {
    match event.kind {
        EventKind::Put => tables.put(&event.entry),
        EventKind::Delete => tables.delete(&event.entry.key),
    }
}
