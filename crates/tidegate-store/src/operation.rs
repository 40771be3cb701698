//! The steps of a transaction, what they demand, and how large they may be.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::commit::CommitError;
use crate::entry::{Entry, Revision};

/// One step of a transaction: under the condition `expect`, do `change` to `key`. A key may occur once per transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The key that is checked and changed.
    pub key: Arc<str>,
    /// What must be there for the transaction to happen.
    pub expect: Expectation,
    /// What happens to the key.
    pub change: Change,
}

impl Operation {
    /// Writes `value` under `key`.
    pub fn put(key: impl Into<Arc<str>>, expect: Expectation, value: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            expect,
            change: Change::Put(value.into()),
        }
    }

    /// Removes `key`; removing what is absent changes nothing.
    pub fn delete(key: impl Into<Arc<str>>, expect: Expectation) -> Self {
        Self {
            key: key.into(),
            expect,
            change: Change::Delete,
        }
    }

    /// Changes nothing, but the other operations happen only if this expectation holds as well.
    pub fn check(key: impl Into<Arc<str>>, expect: Expectation) -> Self {
        Self {
            key: key.into(),
            expect,
            change: Change::Keep,
        }
    }

    /// How many bytes of key and value the operation carries.
    pub(crate) fn size(&self) -> usize {
        let value = match &self.change {
            Change::Put(value) => value.len(),
            Change::Delete | Change::Keep => 0,
        };
        self.key.len() + value
    }
}

/// What a transaction demands of a key before it changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The key does not exist.
    Absent,
    /// The key exists and was last modified at this revision.
    Unchanged(Revision),
    /// Anything goes.
    Any,
}

impl Expectation {
    /// Whether `found` is what was expected.
    pub(crate) fn holds(self, found: Option<&Entry>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::Unchanged(revision) => found.is_some_and(|entry| entry.modified == revision),
            Self::Any => true,
        }
    }
}

/// What an operation does to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Writes this value.
    Put(Bytes),
    /// Removes the key.
    Delete,
    /// Leaves the key as it is.
    Keep,
}

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;
/// The largest value, in bytes: above the 3 MiB that the Kubernetes API accepts as a request body, with room for defaults.
pub const MAX_VALUE_BYTES: usize = 4 << 20;
/// The most operations in one transaction.
pub const MAX_OPERATIONS: usize = 1024;
/// The most bytes of keys and values in one transaction.
pub const MAX_COMMIT_BYTES: usize = 16 << 20;

/// Refuses what no state of the store could make right: limits, empty keys, and keys that occur twice.
pub(crate) fn check_shape(operations: &[Operation]) -> Result<(), CommitError> {
    limit(operations.len(), MAX_OPERATIONS, || {
        "the number of operations in one transaction".into()
    })?;
    let mut seen = HashSet::with_capacity(operations.len());
    let mut total = 0;
    for operation in operations {
        let key = &operation.key;
        if key.is_empty() {
            return Err(CommitError::EmptyKey);
        }
        limit(key.len(), MAX_KEY_BYTES, || {
            format!(
                "the key {:?}… in bytes",
                key.chars().take(64).collect::<String>()
            )
        })?;
        if let Change::Put(value) = &operation.change {
            limit(value.len(), MAX_VALUE_BYTES, || {
                format!("the value of {key:?} in bytes")
            })?;
        }
        total += operation.size();
        if !seen.insert(key) {
            return Err(CommitError::DuplicateKey { key: key.clone() });
        }
    }
    limit(total, MAX_COMMIT_BYTES, || {
        "the transaction in bytes".into()
    })
}

fn limit(size: usize, limit: usize, what: impl Fn() -> String) -> Result<(), CommitError> {
    if size > limit {
        return Err(CommitError::TooLarge {
            what: what(),
            size,
            limit,
        });
    }
    Ok(())
}
