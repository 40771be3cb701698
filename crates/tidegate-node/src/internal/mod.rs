//! The side of the node that runs in processes of its own: `<executable> internal <role> …`.
//!
//! A pod's process has to be born inside new namespaces and with fewer rights, and a program with
//! many threads cannot change either for itself. So the node starts its own executable again in one
//! of the roles below, hands it a description as one line of JSON on a socket at standard input, and
//! keeps the other end of that socket open: when the node dies, in whatever way, the socket ends
//! and everything that hangs on it dies too.

pub(crate) mod channel;
mod enter;
mod init;
mod mounts;
mod privileges;
mod session;
mod shim;
pub(crate) mod spec;
mod supervise;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

/// The first argument that marks a process as one of ours.
pub const MARKER: &str = "internal";

/// The hidden sub-commands.
pub(crate) mod role {
    /// Parent of one container: makes its PID namespace, reports its start and its end.
    pub(crate) const SHIM: &str = "shim";
    /// Becomes the container's first process.
    pub(crate) const INIT: &str = "init";
    /// Runs one more command inside a container.
    pub(crate) const ENTER: &str = "enter";
    /// Leads a session on a terminal and becomes a command there.
    pub(crate) const SESSION: &str = "session";
    /// Runs a built-in image.
    pub(crate) const IMAGE: &str = "image";
}

/// Runs a hidden role when `args` (with the program's name first) asks for one.
///
/// Returns `None` when the command line is an ordinary one. A binary that embeds the node calls
/// this as the first thing in `main`, before any thread or runtime exists, because the kernel
/// refuses to move a process with several threads into other namespaces.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    if args.next()? != MARKER {
        return None;
    }
    let role = args.next().unwrap_or_default();
    let rest: Vec<String> = args
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    Some(match role.to_string_lossy().as_ref() {
        role::SHIM => shim::main(),
        role::INIT => init::main(),
        role::ENTER => enter::main(),
        role::SESSION => session::main(&rest),
        role::IMAGE => crate::images::main(&rest),
        _ => ExitCode::from(64),
    })
}
