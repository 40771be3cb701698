//! The store in one file on this machine, on redb.
//!
//! A data directory holds two files of this crate: `store.redb`, the data, and `tidegate.lock`, which names the process that
//! uses the directory.
//!
//! Durability: a commit is acknowledged after its data has been synced to the disk, so it survives `kill -9` and, on disks
//! that honour a sync, power loss. redb writes in two phases here (data and new commit slot, sync, flip of one byte, sync).
//! That costs a second sync, shared by all commits of a group, and buys certainty about damage: in one phase redb may answer
//! an unreadable newest commit by silently going back to the one before it, in two phases such a file is refused.

mod create;
mod data_file;
mod database;
mod directory;
mod group;
mod inspect;
mod lock;
mod open;
mod overlay;
mod tables;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::commit::CommitError;
use crate::entry::{Entry, Revision};
use crate::history::{History, Limits};
use crate::operation::{Operation, check_shape};
use crate::read::{Page, ReadError};
use crate::store::Store;
use crate::watch::{Watch, WatchError};
use database::SharedDatabase;
pub use open::OpenError;
use writer::Writer;

/// How the embedded store trades memory for speed and history.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many events watches can go back.
    pub history_events: usize,
    /// How many bytes of keys and values these events may hold on to; history is cut at whichever limit comes first.
    pub history_bytes: usize,
    /// How many bytes of the file are cached in memory.
    pub cache_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            history_events: 10_000,
            history_bytes: 64 << 20,
            cache_bytes: 16 << 20,
        }
    }
}

/// A [`Store`] in a directory of this machine.
///
/// Its methods must be called within a tokio runtime. Dropping it finishes the commits that wait, closes the file and
/// releases the directory; it blocks for that long.
pub struct RedbStore {
    directory: PathBuf,
    database: Arc<SharedDatabase>,
    history: Arc<History>,
    writer: Writer,
}

impl RedbStore {
    /// Opens the store in `directory`, and makes both if they do not exist (0700, files 0600). Blocks while it checks the file.
    ///
    /// # Errors
    /// See [`OpenError`]. A file that is refused is left byte for byte as it was.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(directory, Options::default())
    }

    /// Like [`RedbStore::open`], with options.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(directory: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let directory = directory.as_ref();
        let (database, revision) = open::open(directory, options.cache_bytes)?;
        let database = Arc::new(database);
        let limits = Limits {
            events: options.history_events,
            bytes: options.history_bytes,
        };
        let history = Arc::new(History::new(revision, limits));
        let writer = Writer::start(
            Arc::clone(&database),
            Arc::clone(&history),
            directory,
            revision,
        )
        .map_err(|source| OpenError::Thread { source })?;
        Ok(Self {
            directory: directory.to_owned(),
            database,
            history,
            writer,
        })
    }

    /// Runs `read` on a thread that may block, and returns when what it saw is published to watchers too.
    async fn read<T, F>(&self, read: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&tables::Snapshot) -> Result<T, redb::Error> + Send + 'static,
    {
        let database = Arc::clone(&self.database);
        let joined = tokio::task::spawn_blocking(move || {
            database.read(|snapshot| Ok((snapshot.revision()?, read(&snapshot)?)))
        })
        .await;
        match joined {
            Ok(Ok((revision, value))) => {
                self.history.reached(revision).await;
                Ok(value)
            }
            Ok(Err(error)) => Err(ReadError::Storage {
                directory: self.directory.clone(),
                reason: error.to_string(),
            }),
            Err(error) if error.is_cancelled() => Err(ReadError::Closed {
                directory: self.directory.clone(),
            }),
            Err(error) => Err(ReadError::Storage {
                directory: self.directory.clone(),
                reason: error.to_string(),
            }),
        }
    }
}

impl Store for RedbStore {
    fn revision(&self) -> Revision {
        self.history.revision()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, ReadError>> {
        let key = key.to_owned();
        Box::pin(self.read(move |snapshot| snapshot.get(&key)))
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, ReadError>> {
        let prefix = prefix.to_owned();
        let after = after.map(str::to_owned);
        Box::pin(self.read(move |snapshot| snapshot.list(&prefix, after.as_deref(), limit)))
    }

    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            check_shape(&operations)?;
            self.writer.commit(operations).await
        })
    }

    fn watch<'a>(
        &'a self,
        prefix: &'a str,
        from: Revision,
    ) -> BoxFuture<'a, Result<Watch, WatchError>> {
        Box::pin(async move { self.history.watch(prefix, from) })
    }
}
