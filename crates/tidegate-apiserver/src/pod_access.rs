//! What the API server asks of the node that runs a pod.

use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};
use jiff::Timestamp;

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
    /// The container can't give a log (it has not started, or has no previous run). The text is
    /// shown to the user.
    #[error("{0}")]
    NotReady(String),
    /// Reading the log failed.
    #[error("the log can't be read: {0}")]
    Io(#[from] std::io::Error),
}
