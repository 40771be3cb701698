//! What the node tells the processes that it starts, and what they answer.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything that a container's first process needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ContainerSpec {
    /// Files of the namespaces that all containers of the pod share.
    pub(crate) namespaces: SharedNamespaces,
    /// Directory of the container's cgroup.
    pub(crate) cgroup: PathBuf,
    pub(crate) program: Program,
    /// The whole environment; nothing is inherited.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) working_dir: PathBuf,
    /// Mounted in this order.
    pub(crate) binds: Vec<Bind>,
    pub(crate) read_only_root: bool,
    pub(crate) privileges: Privileges,
}

/// What is executed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Program {
    /// A program of the host's file system and its arguments.
    Command(Vec<String>),
    /// A program that is part of this executable: its name, then its arguments.
    BuiltIn(Vec<String>),
}

/// Paths to open namespaces (`/proc/<node>/fd/<n>`). A missing one is shared with the host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct SharedNamespaces {
    pub(crate) network: Option<PathBuf>,
    pub(crate) host_name: Option<PathBuf>,
    pub(crate) ipc: Option<PathBuf>,
}

/// One file or directory of the host that appears elsewhere in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bind {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) read_only: bool,
    /// Whether the bind is left out when the host has nothing at `target` to mount over.
    pub(crate) skip_without_target: bool,
}

/// User, groups and capabilities of a container's processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Privileges {
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) supplementary_groups: Vec<u32>,
    /// Names with the `CAP_` prefix; nothing outside this list can ever be gained.
    pub(crate) capabilities: Vec<String>,
    pub(crate) no_new_privileges: bool,
    /// Leaves `/proc` and `/sys` unmasked and writable.
    pub(crate) privileged: bool,
}

/// What to run inside a container that runs already.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EnterSpec {
    /// Namespace files of the container's first process, the mount namespace last.
    pub(crate) namespaces: Vec<PathBuf>,
    pub(crate) cgroup: PathBuf,
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) working_dir: PathBuf,
    pub(crate) privileges: Privileges,
    /// A pipe with the command's input; without one it has nothing to read.
    pub(crate) stdin: Option<PathBuf>,
    /// Whether the command gets a terminal. Its input and output are then passed on from and to
    /// the pipes, and the node may send a [`TerminalSize`] at any time.
    pub(crate) terminal: bool,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Characters in a line.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// What a shim (and, for failures, the process below it) reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The program runs; the number is its first process as the node sees it. It stays valid until
    /// the node closes the socket, because nobody collects the process before that.
    Started { pid: i32 },
    /// The program never ran.
    Failed(StartFailure),
    /// The program ended.
    Exited(Exit),
}

/// Why a program could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartFailure {
    /// Whether the program itself could not be executed, as opposed to its surroundings.
    pub(crate) in_exec: bool,
    /// Whether there is no such program.
    pub(crate) not_found: bool,
    /// What failed and why.
    pub(crate) message: String,
}

impl StartFailure {
    /// The surroundings could not be made.
    pub(crate) fn preparing(step: &str, error: &dyn std::fmt::Display) -> Self {
        Self {
            in_exec: false,
            not_found: false,
            message: format!("{step}: {error}"),
        }
    }

    /// The program could not be executed.
    pub(crate) fn executing(command: &str, error: &std::io::Error) -> Self {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound if command.contains('/') => {
                "no such file or directory".to_owned()
            }
            std::io::ErrorKind::NotFound => "executable file not found in $PATH".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Self {
            in_exec: true,
            not_found: error.kind() == std::io::ErrorKind::NotFound,
            message: format!("exec: {command:?}: {reason}"),
        }
    }

    /// The exit code by which shells say the same: 127 for no program, 126 for one that can't be
    /// executed.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.not_found { 127 } else { 126 }
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// The exit code as Kubernetes shows it: 128 plus the number for a signal.
    pub(crate) fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        }
    }
}
