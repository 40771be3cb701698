//! How a transaction fails.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::entry::Entry;
use crate::operation::Expectation;

/// Why a transaction did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// An expectation failed. Nothing was applied: read again and decide anew.
    #[error("conflict: {0}")]
    Conflict(Box<Conflict>),
    /// A key occurs twice in one transaction. Nothing was applied.
    #[error("the key {key:?} occurs twice in one transaction; merge the two operations into one")]
    DuplicateKey {
        /// The key.
        key: Arc<str>,
    },
    /// A limit of this crate is exceeded. Nothing was applied.
    #[error("{what} is too large: {size}, at most {limit} are allowed")]
    TooLarge {
        /// What is too large, with the key where there is one.
        what: String,
        /// How large it is.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A key is empty. Nothing was applied.
    #[error("a key must not be empty")]
    EmptyKey,
    /// The disk refused the write (full, or failing). Nothing was applied; later transactions work once the cause is gone.
    #[error("cannot write to the store in {}: {reason}; nothing was changed, free space or repair the disk and try again", directory.display())]
    Storage {
        /// The data directory.
        directory: PathBuf,
        /// What the storage layer said.
        reason: String,
    },
    /// The disk failed at the very end: the change may or may not be kept. Read again to see, once the cause is gone.
    #[error("cannot confirm a write to the store in {}: {reason}; it may or may not be kept, read it again before relying on it", directory.display())]
    Unconfirmed {
        /// The data directory.
        directory: PathBuf,
        /// What the storage layer said.
        reason: String,
    },
    /// The store is being shut down. Nothing was applied.
    #[error("the store in {} has been closed", directory.display())]
    Closed {
        /// The data directory.
        directory: PathBuf,
    },
}

/// A failed expectation: the key, what was expected and what is there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The first key, in the order of the operations, whose expectation failed.
    pub key: Arc<str>,
    /// What the operation demanded.
    pub expected: Expectation,
    /// What is there.
    pub found: Option<Entry>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} was expected ", self.key)?;
        match self.expected {
            Expectation::Absent => formatter.write_str("to be absent")?,
            Expectation::Unchanged(revision) => write!(formatter, "at revision {revision}")?,
            Expectation::Any => formatter.write_str("in any state")?,
        }
        match &self.found {
            Some(entry) => write!(formatter, " but is at revision {}", entry.modified),
            None => formatter.write_str(" but does not exist"),
        }
    }
}
