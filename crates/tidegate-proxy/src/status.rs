//! What the proxy says about itself.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// The state of a running proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether the kernel has had the program at least once, but for what it refused by name.
    pub programmed: bool,
    /// Whether the last attempt succeeded in full. While this is false, the proxy is trying again.
    pub healthy: bool,
    /// How many Service plans (a Service in a family) are in force.
    pub services: usize,
    /// How many of them the kernel refuses something of.
    pub refused: usize,
    /// How many times the kernel's program was found altered by somebody else.
    pub repairs: u64,
    /// How many attempts failed, in whole or in part.
    pub failures: u64,
    /// The name of the mode in force.
    pub mode: &'static str,
    /// Why it is this one.
    pub reason: String,
    /// Why the configuration that was asked for last isn't in force, if it isn't.
    pub rejected: Option<String>,
    /// How many configurations that were asked for have been put into force or rejected.
    pub reconfigurations: u64,
    /// How many connections still go through modes that were switched away from.
    pub draining: usize,
    /// When everything that was known was in force last.
    pub last_updated: Option<Timestamp>,
    /// Since when something is known that isn't in force. What the kernel refuses by name doesn't
    /// count: the other Services are served.
    pub unfinished_since: Option<Instant>,
    /// How old such a thing may get before the proxy is unhealthy.
    pub late_after: Duration,
}

impl Status {
    /// Whether the first lists were complete and programming was tried.
    pub fn attempted(&self) -> bool {
        self.programmed || self.failures > 0
    }
}
