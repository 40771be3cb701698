//! What the API server asks of the node that runs a pod.

use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};
use jiff::Timestamp;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

/// Access to running pods; implemented by the node, handed to [`crate::Server::start`].
pub trait PodAccess: Send + Sync {
    /// The log of a container.
    ///
    /// The stream ends with the log, or, when following, with the container. It is dropped when
    /// the client goes away.
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: &'a str,
        options: LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>>;

    /// Starts a command in a running container, with its namespaces, limits, environment and user.
    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: &'a str,
        request: ExecRequest,
    ) -> BoxFuture<'a, Result<ExecProcess, PodAccessError>>;
}

/// Pieces of a log, in order.
pub type LogStream = BoxStream<'static, Result<Bytes, PodAccessError>>;

/// Which part of a log is wanted; the parameters of `kubectl logs`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on with what is written from now on.
    pub follow: bool,
    /// Of the container's run before the present one.
    pub previous: bool,
    /// Begin every line with the time (RFC 3339) at which it was written.
    pub timestamps: bool,
    /// Only lines written at or after this time.
    pub since: Option<Timestamp>,
    /// Only this many lines at the end.
    pub tail_lines: Option<u64>,
    /// Stop after this many bytes.
    pub limit_bytes: Option<u64>,
}

/// What to run in a container; the parameters of `kubectl exec`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecRequest {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Whether the command has something to read; without it, its input is at its end.
    pub stdin: bool,
    /// Give the command a terminal, where output and errors are one.
    pub tty: bool,
}

/// A command that runs in a container. It is ended when `exit` is dropped before it is ready.
pub struct ExecProcess {
    /// Its input, if any was asked for. Dropping it is the end of the input.
    pub stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    /// Its output.
    pub stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// Its errors; a terminal has none of its own.
    pub stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// Where the size of the terminal is set, if it has one.
    pub size: Option<watch::Sender<TerminalSize>>,
    /// Its end: the exit code, 128 and the number for a signal.
    pub exit: BoxFuture<'static, Result<i32, PodAccessError>>,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a line.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// Why a pod can't be reached.
#[derive(Debug, thiserror::Error)]
pub enum PodAccessError {
    /// The pod does not run on any node that this server knows.
    #[error("pod {namespace}/{pod} is not known to the node")]
    UnknownPod {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        pod: String,
    },
    /// The container can't give a log (it has not started, or has no previous run), or runs no
    /// command because it does not run itself. The text is shown to the user.
    #[error("{0}")]
    NotReady(String),
    /// Reading the log failed.
    #[error("the log can't be read: {0}")]
    Io(#[from] std::io::Error),
    /// The command is no program, or one that may not be executed.
    #[error("{message}")]
    NotExecuted {
        /// The exit code that a shell gives for it: 127 for no program, 126 for all else.
        code: i32,
        /// What is wrong with it; shown to the user.
        message: String,
    },
    /// The node could not start the command, or lost sight of it.
    #[error("{0}")]
    Failed(String),
}
