//! What is set in the kernel's connection tracking.

use serde::{Deserialize, Serialize};

use super::or_unset;
use crate::GoDuration;

/// What is set in the kernel's connection tracking (`conntrack`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConntrackConfiguration {
    /// How many connections to track for each core; 0 leaves the limit, whatever `min` says.
    pub max_per_core: Option<i32>,
    /// How many to track at least.
    pub min: Option<i32>,
    /// How long an idle TCP connection is kept; 0 leaves it.
    pub tcp_established_timeout: Option<GoDuration>,
    /// How long a half-closed TCP connection is kept; 0 leaves it.
    pub tcp_close_wait_timeout: Option<GoDuration>,
    /// Don't take packets outside of a connection's window for invalid.
    #[serde(deserialize_with = "or_unset")]
    pub tcp_be_liberal: bool,
    /// How long a UDP flow without an answer is kept; 0 leaves it.
    #[serde(deserialize_with = "or_unset")]
    pub udp_timeout: GoDuration,
    /// How long an answered UDP flow is kept; 0 leaves it.
    #[serde(deserialize_with = "or_unset")]
    pub udp_stream_timeout: GoDuration,
}
