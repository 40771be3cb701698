//! The mode of Windows.

use serde::{Deserialize, Serialize};

use super::or_unset;

/// The mode of Windows (`winkernel`): kept as it is, and without effect here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WinkernelConfiguration {
    /// The network that endpoints and policies are made in.
    #[serde(deserialize_with = "or_unset")]
    pub network_name: String,
    /// The source address of translated traffic.
    #[serde(deserialize_with = "or_unset")]
    pub source_vip: String,
    /// Answer clients directly, past the load balancer.
    #[serde(rename = "enableDSR", deserialize_with = "or_unset")]
    pub enable_dsr: bool,
    /// The endpoint of the host's own network compartment.
    #[serde(deserialize_with = "or_unset")]
    pub root_hns_endpoint_name: String,
    /// Forward a Service's address on the port of its health check.
    #[serde(deserialize_with = "or_unset")]
    pub forward_health_check_vip: bool,
}
