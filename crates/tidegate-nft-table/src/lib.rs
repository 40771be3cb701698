//! A table of nftables whose chains and rules are constant and whose sets are the plan.
//!
//! A mode says, as values, what the table must be: a [`Frame`], and for each Service the elements of
//! its sets (and, if it needs them, chains that come and go with Services). A [`ServiceTable`] makes
//! the kernel's table that, tells what differed, and later brings it from some Services' former
//! elements to their new ones.
//!
//! * Several Services' changes go into one transaction. When the kernel refuses it, the refused
//!   Service is found by bisection and named, and the others' changes go in.
//! * A table of another shape, told by its comment, is replaced in one transaction. Everything else
//!   that differs is repaired without a flush.
//!
//! Nothing here knows what a set means or what a rule does, but for how frontends ([`Key`]) and pods
//! ([`from_pods`]) are told in them.

mod commit;
mod diff;
mod error;
mod frame;
mod kernel;
mod key;
mod look;
mod pods;
pub mod ranges;
mod reconcile;
mod report;
mod shares;
mod table;
mod table_set;
mod wanted;

pub use diff::{Placed, sort_by_place};
pub use error::{Words, failed};
pub use frame::Frame;
pub use kernel::Kernel;
pub use key::Key;
pub use pods::from_pods;
pub use table::ServiceTable;
pub use table_set::TableSet;
pub use wanted::Wanted;
