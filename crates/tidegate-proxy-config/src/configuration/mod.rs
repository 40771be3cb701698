//! The configuration as the file writes it: upstream's names, types and meanings.
//!
//! `Default` of these types is what Go calls the zero value: nothing is set. What an unset field
//! means is decided in [`KubeProxyConfiguration::set_defaults`].

mod client_connection;
mod conntrack;
mod detect_local;
mod logging;
mod modes;
mod tidegate;
mod unset;
mod winkernel;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use client_connection::ClientConnectionConfiguration;
pub use conntrack::ConntrackConfiguration;
pub use detect_local::DetectLocalConfiguration;
pub use logging::{LogOutputOptions, LoggingConfiguration, LoggingOptions, VerbosityOfFile};
pub use modes::{IptablesConfiguration, IpvsConfiguration, NftablesConfiguration};
pub use tidegate::{TidegateConfiguration, UserspaceConfiguration};
pub use winkernel::WinkernelConfiguration;

use crate::GoDuration;
use unset::or_unset;

/// The `apiVersion` of the file.
pub const API_VERSION: &str = "kubeproxy.config.k8s.io/v1alpha1";

/// The `kind` of the file.
pub const KIND: &str = "KubeProxyConfiguration";

/// Everything that kube-proxy can be told, as in `kubeproxy.config.k8s.io/v1alpha1`.
///
/// Texts that have to be parsed (modes, addresses, ranges) are kept as they were written, so that
/// [`validate`](Self::validate) can name all that is wrong with them at once; the methods of this
/// type give them parsed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KubeProxyConfiguration {
    /// Features to turn on or off by name.
    #[serde(
        deserialize_with = "or_unset",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub feature_gates: BTreeMap<String, bool>,
    /// How to reach the API server.
    #[serde(deserialize_with = "or_unset")]
    pub client_connection: ClientConnectionConfiguration,
    /// What is logged and how.
    #[serde(deserialize_with = "or_unset")]
    pub logging: LoggingConfiguration,
    /// The node's name, where it is not the host's.
    #[serde(deserialize_with = "or_unset")]
    pub hostname_override: String,
    /// What to take for the node's primary address. Nothing is bound to it.
    #[serde(deserialize_with = "or_unset")]
    pub bind_address: String,
    /// Where the health server listens, as `address:port`; empty for nowhere.
    #[serde(deserialize_with = "or_unset")]
    pub healthz_bind_address: String,
    /// Where the metrics server listens, as `address:port`; empty for nowhere.
    #[serde(deserialize_with = "or_unset")]
    pub metrics_bind_address: String,
    /// Exit when one of the two can't listen, instead of trying again.
    #[serde(deserialize_with = "or_unset")]
    pub bind_address_hard_fail: bool,
    /// Serve profiles under `/debug/pprof` of the metrics server.
    #[serde(deserialize_with = "or_unset")]
    pub enable_profiling: bool,
    /// Show metrics that were hidden since this version.
    #[serde(deserialize_with = "or_unset")]
    pub show_hidden_metrics_for_version: String,
    /// The proxy mode; see [`ProxyMode`](crate::ProxyMode).
    #[serde(deserialize_with = "or_unset")]
    pub mode: String,
    /// The iptables mode. Its mark also serves the IPVS mode, its periods the userspace mode.
    #[serde(deserialize_with = "or_unset")]
    pub iptables: IptablesConfiguration,
    /// The IPVS mode.
    #[serde(deserialize_with = "or_unset")]
    pub ipvs: IpvsConfiguration,
    /// The nftables mode.
    #[serde(deserialize_with = "or_unset")]
    pub nftables: NftablesConfiguration,
    /// The mode of Windows; kept, and without effect here.
    #[serde(deserialize_with = "or_unset")]
    pub winkernel: WinkernelConfiguration,
    /// How the pods' traffic is told from other traffic: `ClusterCIDR` (when empty), `NodeCIDR`,
    /// `BridgeInterface` or `InterfaceNamePrefix`.
    #[serde(deserialize_with = "or_unset")]
    pub detect_local_mode: String,
    /// What `detectLocalMode` needs to know.
    #[serde(deserialize_with = "or_unset")]
    pub detect_local: DetectLocalConfiguration,
    /// The pods' range in the cluster, or one of each family joined by a comma.
    #[serde(rename = "clusterCIDR", deserialize_with = "or_unset")]
    pub cluster_cidr: String,
    /// The addresses that node ports answer on: ranges, or the single word `primary`.
    pub node_port_addresses: Option<Vec<String>>,
    /// How unwilling the kernel is to kill the proxy when memory runs out, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// The kernel's connection tracking.
    #[serde(deserialize_with = "or_unset")]
    pub conntrack: ConntrackConfiguration,
    /// How often everything is fetched anew from the API server.
    #[serde(deserialize_with = "or_unset")]
    pub config_sync_period: GoDuration,
    /// Without effect, upstream too.
    #[serde(deserialize_with = "or_unset")]
    pub port_range: String,
    /// Run as a service of Windows; kept, and without effect here.
    #[serde(
        deserialize_with = "or_unset",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub windows_run_as_service: bool,
    /// What upstream has no field for. Left out of what is written while nothing is set, so that
    /// upstream reads our files.
    #[serde(
        deserialize_with = "or_unset",
        skip_serializing_if = "TidegateConfiguration::is_unset"
    )]
    pub tidegate: TidegateConfiguration,
}
