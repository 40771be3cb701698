//! What a DNS server shall do.

mod autopath;
mod bind;
mod cache;
mod check;
mod defaults;
mod forward;
mod hosts;
mod kubernetes;
mod limits;
mod listen;
mod log;
mod probes;
mod rcode;
mod rewrite;
mod selector;
mod transfer;
mod tsig;
mod upstream;

use serde::{Deserialize, Serialize};

pub use autopath::{Autopath, AutopathSearch};
pub use bind::{Bind, BindTo};
pub use cache::{Cache, CacheKind, Prefetch, RefreshMode, ServeStale};
pub use defaults::default_corefile;
pub use forward::{Forward, HealthCheck, Policy, TlsFiles};
pub use hosts::{HostEntry, Hosts};
pub use kubernetes::{ClientTls, Kubeconfig, Kubernetes, PodMode};
pub use limits::{NodeLocal, RateLimit, TcpLimits};
pub(crate) use listen::split_port;
pub use listen::{InvalidListenAddress, ListenAddress, ServedZone};
pub use log::{Consolidate, Errors, Log, LogClass, LogFormat, LogLevel};
pub use probes::{Health, Metrics, Ready, ReadyMonitor, Reload};
pub use rcode::{InvalidRcode, Rcode};
pub use rewrite::{AnswerField, AnswerRewrite, NameMatch, RewriteRule, Then};
pub use selector::{InvalidSelector, LabelOperator, LabelRequirement, LabelSelector};
pub use transfer::{InvalidTransferTarget, Transfer, TransferTarget};
pub use tsig::{Tsig, TsigAlgorithm, TsigKey, TsigRequire, TsigSecret};
pub use upstream::{InvalidUpstream, Upstream, UpstreamTransport};

use crate::check::Report;
use crate::zone_name::ZoneName;

/// What a DNS server shall do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsConfig {
    /// The server blocks. A question is for the block that has the longest zone which the name is
    /// in, among those that listen where it came in.
    pub servers: Vec<ServerBlock>,
    /// The listener for the pods of this node, if there shall be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_local: Option<NodeLocal>,
    /// What clients on TCP may take up.
    pub tcp: TcpLimits,
    /// How many sockets share every UDP address; one for each core where it isn't set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_sockets: Option<usize>,
}

/// Zones that are answered alike.
///
/// What is not set is not done. The steps to an answer have a fixed order, which is CoreDNS's and
/// not that of the file: tsig, cache, rewrite, autopath, transfer, hosts, kubernetes, forward.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerBlock {
    /// The zones, each with its port.
    pub zones: Vec<ServedZone>,
    /// Where to listen; everywhere when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bind: Vec<Bind>,
    /// Errors go to the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Errors>,
    /// Questions go to the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<Log>,
    /// The server for health checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The server for readiness checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
    /// The server for metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Metrics>,
    /// The names of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<Kubernetes>,
    /// Server-side search completion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autopath: Option<Autopath>,
    /// Names and addresses from a hosts file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Hosts>,
    /// Names that are changed before they are looked up, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rewrite: Vec<RewriteRule>,
    /// Other servers; the first whose domain the name is in is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forward: Vec<Forward>,
    /// Answers that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Whether to look at the start if questions come back to this server, and to stop if so.
    pub loop_check: bool,
    /// How often to look if the file has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reload: Option<Reload>,
    /// In what order addresses are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loadbalance: Option<LoadBalance>,
    /// Who may have whole zones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transfer: Vec<Transfer>,
    /// Signed questions and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsig: Option<Tsig>,
    /// How many alike answers a client's network may have; a Corefile has no word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
}

/// In what order the addresses of an answer are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoadBalance {
    /// Another one is the first each time.
    #[default]
    RoundRobin,
}

impl ServerBlock {
    /// The zones without their ports: what a plugin serves that names no zones.
    pub fn zone_names(&self) -> Vec<ZoneName> {
        self.zones.iter().map(|zone| zone.name.clone()).collect()
    }

    /// The most addresses and interfaces that a server block may listen on.
    pub const MOST_ADDRESSES: usize = 64;

    /// The addresses and interfaces to listen on; everywhere when there are none.
    pub fn addresses(&self) -> impl Iterator<Item = &BindTo> {
        self.bind.iter().flat_map(|bind| &bind.to)
    }

    /// What is wrong between the parts of the block.
    pub(crate) fn check_parts(&self, report: Report<'_>) {
        let (count, most) = (self.addresses().count(), Self::MOST_ADDRESSES);
        if count > most {
            let text = format!("{count} addresses are more than {most}; remove some");
            report("bind", text);
        }
        let by_kubernetes = |autopath: &Autopath| autopath.search == AutopathSearch::Kubernetes;
        if self.autopath.as_ref().is_some_and(by_kubernetes) && self.kubernetes.is_none() {
            report(
                "autopath",
                "the search path shall come from kubernetes, which this server block doesn't \
                 have; add it, or name a resolv.conf"
                    .to_owned(),
            );
        }
    }

    /// What is worth a line in the log although it is valid, by the part that it is about.
    pub(crate) fn warnings(&self) -> Vec<(&'static str, String)> {
        let by_kubernetes = |autopath: &Autopath| autopath.search == AutopathSearch::Kubernetes;
        let mut warnings = Vec::new();
        if let (Some(autopath), Some(kubernetes)) = (&self.autopath, &self.kubernetes)
            && by_kubernetes(autopath)
            && kubernetes.pods != PodMode::Verified
        {
            warnings.push((
                "autopath",
                "without \"pods verified\" in kubernetes no client is known, and nothing is \
                 completed"
                    .to_owned(),
            ));
        }
        warnings
    }
}
