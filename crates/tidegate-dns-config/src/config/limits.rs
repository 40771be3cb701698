//! What a Corefile has no word for.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::{Report, in_range};
use crate::duration;

/// The listener for the pods of this node, whose packets no connection tracking sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeLocal {
    /// The addresses that it has, which nobody else has: `169.254.20.10` by custom.
    pub addresses: Vec<IpAddr>,
}

impl NodeLocal {
    pub(crate) fn check(&self, report: Report<'_>) {
        if self.addresses.is_empty() {
            let text = "there is no address; give one, as in 169.254.20.10";
            report("addresses", text.to_owned());
        }
        for address in &self.addresses {
            if address.is_unspecified() || address.is_multicast() {
                let text = format!("{address} can't be listened on; give a single address");
                report("addresses", text);
            }
        }
    }
}

/// What clients on TCP may take up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpLimits {
    /// How many connections may be open at one time.
    pub max_connections: u32,
    /// How many answers of one connection may be outstanding before its next question is read.
    pub max_outstanding: u32,
    /// How long a connection may take to send its next whole question, or to take an answer.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
}

impl TcpLimits {
    pub(crate) fn check(&self, report: Report<'_>) {
        in_range(
            report,
            "maxConnections",
            self.max_connections.into(),
            1..=1_000_000,
        );
        in_range(
            report,
            "maxOutstanding",
            self.max_outstanding.into(),
            1..=65_535,
        );
        if self.idle_timeout.is_zero() {
            let text = "zero would close every connection at once; give a time, as in \"10s\"";
            report("idleTimeout", text.to_owned());
        }
    }
}

impl Default for TcpLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_outstanding: 64,
            idle_timeout: Duration::from_secs(10),
        }
    }
}

/// How many alike answers a client's network may have over UDP, so that nobody makes this server
/// flood somebody else with answers to forged questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// How many in a second.
    pub responses_per_second: u32,
    /// For how long what wasn't used is remembered.
    #[serde(with = "duration")]
    pub window: Duration,
    /// How long the prefix of a network of IPv4 is, in bits.
    pub ipv4_prefix: u8,
    /// How long the prefix of a network of IPv6 is, in bits.
    pub ipv6_prefix: u8,
    /// Every so many answers that are too many one is sent truncated, so that an honest client
    /// comes back over TCP; never with 0.
    pub slip: u8,
}

impl RateLimit {
    pub(crate) fn check(&self, report: Report<'_>) {
        in_range(
            report,
            "responsesPerSecond",
            self.responses_per_second.into(),
            1..=1_000_000,
        );
        in_range(report, "window", self.window.as_secs(), 1..=3600);
        in_range(report, "ipv4Prefix", self.ipv4_prefix.into(), 1..=32);
        in_range(report, "ipv6Prefix", self.ipv6_prefix.into(), 1..=128);
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            responses_per_second: 100,
            window: Duration::from_secs(15),
            ipv4_prefix: 24,
            ipv6_prefix: 56,
            slip: 2,
        }
    }
}
