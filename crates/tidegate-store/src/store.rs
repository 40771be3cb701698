//! The trait that every store implements.

use futures::future::BoxFuture;

use crate::commit::CommitError;
use crate::entry::{Entry, Revision};
use crate::operation::Operation;
use crate::read::{Page, ReadError};
use crate::watch::{Watch, WatchError};

/// A revisioned key-value store with watch.
///
/// What one caller has seen holds for all: once any call has returned a revision, [`Store::revision`] is at least that high
/// and a watch from that revision is accepted (until history is compacted).
pub trait Store: Send + Sync {
    /// The newest revision whose changes readers and watchers of this handle can see.
    ///
    /// The first revision of an empty store is 1, so that 0 stays free to mean "any" in the Kubernetes API.
    fn revision(&self) -> Revision;

    /// The entry under `key`, or `None` when there is none.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, ReadError>>;

    /// Up to `limit` entries whose keys begin with `prefix`, in byte order, beginning after the key `after`.
    ///
    /// One page is one consistent snapshot, taken at [`Page::revision`]. The next page is a snapshot of its own: a caller that
    /// reads in pages sees an entry that moved meanwhile in its newer state. `usize::MAX` asks for all.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, ReadError>>;

    /// Applies all operations in one new revision, or none of them.
    ///
    /// Returns the revision at which the changes are visible, after they are durable. A transaction that changes nothing
    /// (only checks, deletes of absent keys, or no operation at all) returns the current revision and takes no new one.
    /// Dropping the future does not take the request back.
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// Every change to keys that begin with `prefix` after the revision `from`: first from history, then live.
    ///
    /// Changes arrive in the order of their revisions, each exactly once. `from` may lie ahead of the current revision: the
    /// watch then stays silent until the store has passed it.
    fn watch<'a>(
        &'a self,
        prefix: &'a str,
        from: Revision,
    ) -> BoxFuture<'a, Result<Watch, WatchError>>;
}
