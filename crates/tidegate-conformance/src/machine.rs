//! Where a mode's rows run: here, or in a virtual machine whose kernel has what it needs.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::Cell;

/// The script that runs a program in a virtual machine, from the workspace's root.
const IN_VM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/in-vm");

/// What the script, and then the suite, ends with where no virtual machine can be had
/// (`EX_UNAVAILABLE`).
pub const UNAVAILABLE: i32 = 69;

/// Why the rows could not be run in a virtual machine.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The script can't be started.
    #[error(
        "{IN_VM} can't be started: {0}; the suite is meant to run in a checkout of its sources"
    )]
    Start(#[source] std::io::Error),
    /// There is no virtual machine to be had here.
    #[error("no virtual machine can be had here; the reason is above")]
    Unavailable,
    /// The machine, or the suite in it, failed.
    #[error("the suite failed in the virtual machine ({0}); its errors are above")]
    Failed(ExitStatus),
    /// What the suite printed there can't be read.
    #[error("what the suite printed in the virtual machine can't be read: {0}")]
    Output(#[source] serde_json::Error),
}

/// Runs this very program with other arguments in a virtual machine, and reads the cells that it
/// prints as JSON.
///
/// # Errors
/// There is no such machine here, or the suite fails in it.
pub fn run_in_vm(program: &Path, arguments: &[String]) -> Result<Vec<Cell>, MachineError> {
    let done = command(program, arguments).output();
    let done = done.map_err(MachineError::Start)?;
    let printed = String::from_utf8_lossy(&done.stdout);
    // The machine's own words may stand before it.
    let json = printed.lines().rev().find(|line| line.starts_with('['));
    match json {
        Some(json) => serde_json::from_str(json).map_err(MachineError::Output),
        None => Err(failed(done.status)),
    }
}

/// Runs this very program with other arguments in a virtual machine. What it prints passes through.
///
/// # Errors
/// There is no such machine here, or the suite fails in it.
pub fn in_vm(program: &Path, arguments: &[String]) -> Result<(), MachineError> {
    let status = command(program, arguments).status();
    let status = status.map_err(MachineError::Start)?;
    match status.success() {
        true => Ok(()),
        false => Err(failed(status)),
    }
}

fn command(program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(IN_VM);
    command.arg(program).args(arguments);
    command.env("VM_TIMEOUT", "3600").stdin(Stdio::null());
    command.stderr(Stdio::inherit());
    command
}

fn failed(status: ExitStatus) -> MachineError {
    match status.code() {
        Some(UNAVAILABLE) => MachineError::Unavailable,
        _ => MachineError::Failed(status),
    }
}
