//! The servers beside DNS: health, readiness, metrics; and the reload.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ListenAddress;
use crate::check::Report;
use crate::duration;

/// The server for health checks; answers on `/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Health {
    /// Where it listens; `:8080` as in CoreDNS.
    pub address: ListenAddress,
    /// How long a server that is to end goes on answering while it calls itself unhealthy.
    #[serde(with = "duration")]
    pub lameduck: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            address: ListenAddress::everywhere(8080),
            lameduck: Duration::ZERO,
        }
    }
}

/// The server for readiness checks; answers on `/ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Ready {
    /// Where it listens; `:8181` as in CoreDNS.
    pub address: ListenAddress,
    /// Whether what was ready once is looked at again.
    pub monitor: ReadyMonitor,
}

impl Default for Ready {
    fn default() -> Self {
        Self {
            address: ListenAddress::everywhere(8181),
            monitor: ReadyMonitor::default(),
        }
    }
}

/// Whether what was ready once is looked at again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadyMonitor {
    /// No: ready once is ready for ever.
    #[default]
    UntilReady,
    /// Yes, with every check.
    Continuously,
}

/// The server for metrics in the format of Prometheus; answers on `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Metrics {
    /// Where it listens; `localhost:9153` as in CoreDNS.
    pub address: ListenAddress,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            address: ListenAddress::local(9153),
        }
    }
}

/// How often to look if the file has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Reload {
    /// How often; 2 s at least, as in CoreDNS.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// By how much each interval may be longer or shorter, so that many servers don't look at one
    /// moment; 1 s at least, and not more than half the interval.
    #[serde(with = "duration")]
    pub jitter: Duration,
}

impl Reload {
    const LEAST_INTERVAL: Duration = Duration::from_secs(2);
    const LEAST_JITTER: Duration = Duration::from_secs(1);

    pub(crate) fn check(&self, report: Report<'_>) {
        for (field, value, least) in [
            ("interval", self.interval, Self::LEAST_INTERVAL),
            ("jitter", self.jitter, Self::LEAST_JITTER),
        ] {
            if value < least {
                let (value, least) = (duration::print(value), duration::print(least));
                report(
                    field,
                    format!("the {field} {value} is too short; give {least} or more"),
                );
            }
        }
    }

    /// CoreDNS takes half the interval where the jitter is more.
    pub(crate) fn with_bounded_jitter(self) -> Self {
        let most = (self.interval / 2).max(Self::LEAST_JITTER);
        Self {
            jitter: self.jitter.min(most),
            ..self
        }
    }
}

impl Default for Reload {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            jitter: Duration::from_secs(15),
        }
    }
}
