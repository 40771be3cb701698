//! What reading gives back.

use std::path::PathBuf;

use crate::entry::{Entry, Revision};

/// One page of a listing: a consistent snapshot at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries in the byte order of their keys.
    pub entries: Vec<Entry>,
    /// The revision of the snapshot. A watch from here misses nothing and repeats nothing.
    pub revision: Revision,
    /// Whether more entries follow: ask again with `after` set to the last key of this page.
    pub more: bool,
}

/// Why a read failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read; the next commit tries to open it anew.
    #[error("cannot read the store in {}: {reason}; check the disk and the directory's permissions", directory.display())]
    Storage {
        /// The data directory.
        directory: PathBuf,
        /// What the storage layer said.
        reason: String,
    },
    /// The store is being shut down.
    #[error("the store in {} has been closed", directory.display())]
    Closed {
        /// The data directory.
        directory: PathBuf,
    },
}
