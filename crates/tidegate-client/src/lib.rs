//! The command line's side of the API: reads manifests, applies, gets and deletes.
//!
//! For machines without `kubectl`. Objects stay JSON values here, so that every kind that the
//! server has works, also those that this build has never heard of.

mod apply;
mod connect;
mod delete;
mod error;
mod exec;
mod get;
mod kinds;
mod logs;
pub mod manifest;
mod merge;
mod resource;
mod table;

pub use apply::{Applied, apply};
pub use connect::{Connection, connect};
pub use delete::delete;
pub use error::ClientError;
pub use exec::{ExecOptions, ExecSession, ExecStreams, TerminalSize, exec};
pub use get::{Format, GetOptions, get};
pub use kinds::{Kind, Kinds};
pub use logs::{LogsOptions, logs};
pub use resource::Resource;
