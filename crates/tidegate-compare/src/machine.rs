//! The machine that figures are from, with what matters to these.

use std::fs::read_to_string;

use serde::{Deserialize, Serialize};

use crate::haproxy;

/// A machine's description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    #[serde(flatten)]
    pub(crate) host: tidegate_figures::Machine,
    /// What the kernel reads the time from.
    pub(crate) clock: String,
    /// HAProxy's version, if it is there.
    pub(crate) haproxy: Option<String>,
}

impl Machine {
    /// The machine that this process runs on.
    pub(crate) fn here() -> Self {
        let clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        Self {
            host: tidegate_figures::Machine::here(),
            clock: read_to_string(clock).unwrap_or_default().trim().to_owned(),
            haproxy: haproxy::version(),
        }
    }

    /// Whether the clock only steps every few milliseconds.
    pub(crate) fn has_coarse_clock(&self) -> bool {
        self.clock.contains("jiffies")
    }
}
