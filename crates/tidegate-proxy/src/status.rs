//! What the proxy says about itself.

/// The state of a running proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether the kernel has had a complete program at least once.
    pub programmed: bool,
    /// Whether the last attempt succeeded in full. While this is false, the proxy is trying again.
    pub healthy: bool,
    /// How many Service plans (a Service in a family) are in force.
    pub services: usize,
    /// How many times the kernel's program was found altered by somebody else.
    pub repairs: u64,
    /// How many attempts failed, in whole or in part.
    pub failures: u64,
}

impl Status {
    /// Whether the first lists were complete and programming was tried.
    pub fn attempted(&self) -> bool {
        self.programmed || self.failures > 0
    }
}
