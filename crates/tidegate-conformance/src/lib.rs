//! The service-proxy contract as a table of behaviours, run in every mode.
//!
//! [`rows`] is the table: for each numbered line of the contract the statements that are tried,
//! each with a body that tries it with real packets between real machines (network namespaces).
//! [`run`] tries rows in modes and IP families, and [`Table`] is what comes out, as it stands in
//! `docs/conformance.md`.

#![allow(
    clippy::missing_panics_doc,
    reason = "a world that can't be set up panics, and becomes a failed row"
)]

mod asking;
mod bench;
mod elsewhere;
mod impossible;
mod kills;
mod machine;
mod markdown;
mod mode;
mod outcome;
mod rows;
mod run;
mod table;
mod talking;

pub use asking::{Place, Reply};
pub use bench::{Bench, Finding};
pub use elsewhere::{ELSEWHERE, Elsewhere};
pub use kills::{Kills, Losses, Report, Seen, change_until_killed};
pub use machine::{MachineError, UNAVAILABLE, in_vm, run_in_vm};
pub use markdown::MarkdownError;
pub use mode::{IPTABLES_VARIANTS, MODES, Mode, mode};
pub use outcome::Outcome;
pub use rows::{Row, rows};
pub use run::{Cell, Task, WORKERS, run};
pub use table::Table;
