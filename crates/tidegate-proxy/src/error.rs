//! Why a proxy ended badly.

use std::time::Duration;

use tidegate_dataplane::DataplaneError;

/// Why a proxy ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The program could not be removed at the end.
    #[error("the program of {mode} mode could not be removed")]
    Removal {
        /// The mode's name.
        mode: &'static str,
        /// What the kernel said.
        source: DataplaneError,
    },
    /// The Node object never got the ranges of its pods.
    #[error(
        "the Node {node:?} has no podCIDRs after {waited:?}, which detectLocalMode NodeCIDR needs: \
         have the controller manager allocate them, or choose another detectLocalMode"
    )]
    NoPodCidrs {
        /// The Node's name.
        node: String,
        /// How long we waited.
        waited: Duration,
    },
}
