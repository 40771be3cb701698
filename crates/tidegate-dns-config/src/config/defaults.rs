//! What a cluster has that nobody configured.

use std::time::Duration;

use ipnet::IpNet;

use super::{
    Cache, CacheKind, DnsConfig, Errors, Forward, Health, Kubernetes, ListenAddress, LoadBalance,
    Metrics, PodMode, Ready, Reload, ServedZone, ServerBlock, Upstream,
};
use crate::zone_name::ZoneName;

/// The Corefile that kubeadm gives a cluster with this domain.
///
/// [`parse_corefile`](crate::parse_corefile) of it is [`DnsConfig::default_for`] the domain.
pub fn default_corefile(domain: &ZoneName) -> String {
    let domain = domain.as_str().trim_end_matches('.');
    format!(
        ".:53 {{
    errors
    health {{
        lameduck 5s
    }}
    ready
    kubernetes {domain} in-addr.arpa ip6.arpa {{
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }}
    prometheus :9153
    forward . /etc/resolv.conf {{
        max_concurrent 1000
    }}
    cache 30
    loop
    reload
    loadbalance
}}
"
    )
}

impl DnsConfig {
    /// What kubeadm's Corefile says for a cluster with this domain. The addresses that have names
    /// are those of the ranges; all, where there are none.
    pub fn default_for(domain: &ZoneName, ranges: &[IpNet]) -> Self {
        let ranges = ranges.iter().copied().flat_map(ZoneName::of_range);
        let mut reverse: Vec<ZoneName> = ranges.collect();
        if reverse.is_empty() {
            let all = ["in-addr.arpa", "ip6.arpa"].map(|tree| tree.parse().ok());
            reverse.extend(all.into_iter().flatten());
        }
        let mut zones = vec![domain.clone()];
        zones.extend(reverse.iter().cloned());
        let kept_for = |ttl| CacheKind {
            ttl,
            ..CacheKind::default()
        };
        let block = ServerBlock {
            zones: vec![ServedZone::new(ZoneName::root())],
            errors: Some(Errors::default()),
            health: Some(Health {
                lameduck: Duration::from_secs(5),
                ..Health::default()
            }),
            ready: Some(Ready::default()),
            kubernetes: Some(Kubernetes {
                zones,
                pods: PodMode::Insecure,
                fallthrough: reverse,
                ttl: 30,
                ..Kubernetes::default()
            }),
            prometheus: Some(Metrics {
                address: ListenAddress::everywhere(9153),
            }),
            forward: vec![Forward {
                to: vec![Upstream::ResolvConf("/etc/resolv.conf".to_owned())],
                max_concurrent: Some(1000),
                ..Forward::default()
            }],
            cache: Some(Cache {
                zones: vec![ZoneName::root()],
                success: kept_for(30),
                denial: kept_for(30),
                ..Cache::default()
            }),
            loop_check: true,
            reload: Some(Reload::default()),
            loadbalance: Some(LoadBalance::RoundRobin),
            ..ServerBlock::default()
        };
        Self {
            servers: vec![block],
            ..Self::default()
        }
    }
}
