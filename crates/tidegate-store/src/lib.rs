//! A revisioned key-value store with watch: everything the control plane knows, and the order in which it came to know it.
//!
//! The shape is etcd's: one counter for the whole store ([`Revision`]), entries that remember the revisions of their creation
//! and of their last change, transactions that hold on a condition, and watches that replay from a revision without gap or
//! duplicate. Callers speak to the [`Store`] trait; [`RedbStore`] keeps the data in one file on this machine.
//!
//! This crate never looks into a value, knows nothing of Kubernetes and opens no socket.

mod commit;
mod embedded;
mod entry;
mod history;
mod operation;
mod read;
mod store;
mod watch;

pub use commit::{CommitError, Conflict};
pub use embedded::{OpenError, Options, RedbStore};
pub use entry::{Entry, Revision};
pub use operation::{
    Change, Expectation, MAX_COMMIT_BYTES, MAX_KEY_BYTES, MAX_OPERATIONS, MAX_VALUE_BYTES,
    Operation,
};
pub use read::{Page, ReadError};
pub use store::Store;
pub use watch::{Event, EventKind, EventStream, Watch, WatchError};
