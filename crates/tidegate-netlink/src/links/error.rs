//! Why devices could not be listed or changed.

use crate::kernel_error::KernelError;
use crate::socket::SocketError;

/// Why devices could not be listed or changed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The kernel has no dummy devices.
    #[error("the kernel has no dummy devices (the module dummy isn't there or isn't loaded)")]
    NoDummies,
    /// A device of the name is there, and is something else.
    #[error("there is a device {name} already, and it is {}, not a dummy device", Kind(.kind))]
    NotDummy {
        /// The name.
        name: String,
        /// What it is; hardware is nothing in particular.
        kind: Option<String>,
    },
    /// The kernel refused.
    #[error("the kernel refused to {action} the device {name}: {reason}")]
    Refused {
        /// What was to be done.
        action: &'static str,
        /// The device's name.
        name: String,
        /// The kernel's reason.
        reason: KernelError,
    },
    /// The kernel could not be asked.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

struct Kind<'a>(&'a Option<String>);

impl std::fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(kind) => write!(f, "of the kind {kind}"),
            None => f.write_str("hardware"),
        }
    }
}
