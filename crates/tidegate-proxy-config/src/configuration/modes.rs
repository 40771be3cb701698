//! The sections of the proxy modes that upstream has.

use serde::{Deserialize, Serialize};

use super::or_unset;
use crate::GoDuration;

/// The iptables mode (`iptables`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IptablesConfiguration {
    /// The bit of the packet mark that asks for masquerading, 0 to 31; for the IPVS mode too.
    pub masquerade_bit: Option<i32>,
    /// Masquerade all cluster-IP traffic; for every mode but nftables.
    #[serde(deserialize_with = "or_unset")]
    pub masquerade_all: bool,
    /// Answer node ports on 127.0.0.1.
    pub localhost_node_ports: Option<bool>,
    /// How often the kernel is compared with what it should hold.
    #[serde(deserialize_with = "or_unset")]
    pub sync_period: GoDuration,
    /// How long to rest after an update before the next.
    #[serde(deserialize_with = "or_unset")]
    pub min_sync_period: GoDuration,
}

/// The IPVS mode (`ipvs`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IpvsConfiguration {
    /// How often the kernel is compared with what it should hold.
    #[serde(deserialize_with = "or_unset")]
    pub sync_period: GoDuration,
    /// How long to rest after an update before the next.
    #[serde(deserialize_with = "or_unset")]
    pub min_sync_period: GoDuration,
    /// How a virtual server chooses; empty for `rr`.
    #[serde(deserialize_with = "or_unset")]
    pub scheduler: String,
    /// Virtual servers in these ranges belong to others and are left alone.
    #[serde(rename = "excludeCIDRs")]
    pub exclude_cidrs: Option<Vec<String>>,
    /// Don't answer ARP queries for the addresses of `kube-ipvs0`.
    #[serde(rename = "strictARP", deserialize_with = "or_unset")]
    pub strict_arp: bool,
    /// How long an idle TCP connection is kept; 0 leaves what the kernel has.
    #[serde(deserialize_with = "or_unset")]
    pub tcp_timeout: GoDuration,
    /// How long a TCP connection is kept after a FIN; 0 leaves what the kernel has.
    #[serde(deserialize_with = "or_unset")]
    pub tcp_fin_timeout: GoDuration,
    /// How long a UDP flow is kept; 0 leaves what the kernel has.
    #[serde(deserialize_with = "or_unset")]
    pub udp_timeout: GoDuration,
}

/// The nftables mode (`nftables`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NftablesConfiguration {
    /// The bit of the packet mark that asks upstream for masquerading, 0 to 31.
    pub masquerade_bit: Option<i32>,
    /// Masquerade all cluster-IP traffic.
    #[serde(deserialize_with = "or_unset")]
    pub masquerade_all: bool,
    /// How often the kernel is compared with what it should hold.
    #[serde(deserialize_with = "or_unset")]
    pub sync_period: GoDuration,
    /// How long to rest after an update before the next.
    #[serde(deserialize_with = "or_unset")]
    pub min_sync_period: GoDuration,
}
