//! The open database, shared between readers and the writer, and replaced when the disk has failed it.
//!
//! redb refuses everything after the first I/O error until the file is opened anew. So the database sits behind a lock that
//! readers and the writer share, and that only reopening takes alone. Reading is never blocked by writing.

use std::sync::{PoisonError, RwLock};

use redb::{Database, ReadableDatabase};

use super::group::{Applied, apply};
use super::lock::DirectoryLock;
use super::tables::{Snapshot, WriteTables};
use crate::entry::Revision;
use crate::operation::Operation;

/// Opens the file; called again after a failure.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, redb::Error> + Send + Sync>;

/// The one open database of this process, with the lock on its directory.
pub(super) struct SharedDatabase {
    open: Opener,
    /// While it cannot be opened: why.
    current: RwLock<Result<Database, String>>,
    /// Released after the database is closed: fields are dropped in the order of their declaration.
    _lock: DirectoryLock,
}

/// A group that could not be written.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) error: redb::Error,
    /// What the group would have done, if the failure came so late that it may have been done.
    pub(super) attempted: Option<Box<Applied>>,
}

impl<E: Into<redb::Error>> From<E> for WriteFailure {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            attempted: None,
        }
    }
}

impl SharedDatabase {
    /// Opens the database for the first time.
    pub(super) fn open(open: Opener, lock: DirectoryLock) -> Result<Self, redb::Error> {
        let current = RwLock::new(Ok(open()?));
        Ok(Self {
            open,
            current,
            _lock: lock,
        })
    }

    /// Closes the database and opens it anew; returns the revision that the file holds. Waits for running reads.
    pub(super) fn reopen(&self) -> Result<Revision, redb::Error> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // The old one must be closed before the new one reads the file.
        *current = Err("the file is being opened anew".into());
        match (self.open)() {
            Ok(database) => *current = Ok(database),
            Err(error) => {
                *current = Err(error.to_string());
                return Err(error);
            }
        }
        drop(current);
        self.read(|snapshot| snapshot.revision())
    }

    /// Hands a consistent snapshot to `read`.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(Snapshot) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let transaction = usable(&current)?.begin_read()?;
        read(Snapshot::new(&transaction)?)
    }

    /// Applies a group of transactions and makes it durable; a group that changes nothing leaves the file alone.
    pub(super) fn write(&self, group: &[Vec<Operation>]) -> Result<Applied, WriteFailure> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = usable(&current)?.begin_write()?;
        transaction.set_two_phase_commit(true);
        let mut tables = WriteTables::open(&transaction)?;
        let applied = apply(&mut tables, group)?;
        drop(tables);
        if applied.events.is_empty() {
            transaction.abort()?;
            return Ok(applied);
        }
        match transaction.commit() {
            Ok(()) => Ok(applied),
            Err(error) => Err(WriteFailure {
                error: error.into(),
                attempted: Some(Box::new(applied)),
            }),
        }
    }
}

fn usable(current: &Result<Database, String>) -> Result<&Database, redb::Error> {
    current
        .as_ref()
        .map_err(|reason| redb::Error::Io(std::io::Error::other(reason.clone())))
}
