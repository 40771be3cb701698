//! What the configuration means: its texts parsed, its alternatives decided.
//!
//! All of this is total: on a configuration that [validation](KubeProxyConfiguration::validate)
//! refuses, what can't be parsed is left out.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::address::{parse_cidr, parse_ip, parse_socket};
use crate::{GoDuration, KubeProxyConfiguration, ProxyMode};

/// The word in `nodePortAddresses` for the addresses that the Node object names.
pub(crate) const PRIMARY: &str = "primary";

/// How the pods' traffic is told from other traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DetectLocal {
    /// By source address; at most one range of each family. In a family without one it can't be
    /// told, so nothing is masqueraded for coming from elsewhere.
    ClusterCidr(Vec<IpNet>),
    /// By source address: the ranges are this Node's `podCIDRs`.
    NodeCidr,
    /// By the bridge that it comes in through.
    BridgeInterface(String),
    /// By the beginning of the interface's name that it comes in through.
    InterfaceNamePrefix(String),
    /// It can't be told.
    Unknown,
}

/// The local addresses that node ports answer on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodePortAddresses {
    /// All of them.
    All,
    /// Those that the Node object names.
    Primary,
    /// Those in these ranges.
    Cidrs(Vec<IpNet>),
}

impl KubeProxyConfiguration {
    /// The bit of the packet mark that asks for masquerading. IPVS and userspace use that of
    /// iptables, as upstream.
    pub fn masquerade_bit(&self, mode: ProxyMode) -> u8 {
        let bit = match mode {
            ProxyMode::Nftables => self.nftables.masquerade_bit,
            _ => self.iptables.masquerade_bit,
        };
        bit.and_then(|bit| u8::try_from(bit).ok())
            .filter(|bit| *bit < 32)
            .unwrap_or(14)
    }

    /// Whether all cluster-IP traffic is masqueraded.
    pub fn masquerade_all(&self, mode: ProxyMode) -> bool {
        match mode {
            ProxyMode::Nftables => self.nftables.masquerade_all,
            _ => self.iptables.masquerade_all,
        }
    }

    /// How often the kernel is compared with what it should hold.
    pub fn sync_period(&self, mode: ProxyMode) -> Duration {
        self.periods(mode).0.get()
    }

    /// How long to rest after an update before the next.
    pub fn min_sync_period(&self, mode: ProxyMode) -> Duration {
        self.periods(mode).1.get()
    }

    /// Both periods. A mode without a section of its own has those of iptables.
    pub(crate) fn periods(&self, mode: ProxyMode) -> (GoDuration, GoDuration) {
        match mode {
            ProxyMode::Ipvs => (self.ipvs.sync_period, self.ipvs.min_sync_period),
            ProxyMode::Nftables => (self.nftables.sync_period, self.nftables.min_sync_period),
            ProxyMode::Auto | ProxyMode::Iptables | ProxyMode::Userspace => {
                (self.iptables.sync_period, self.iptables.min_sync_period)
            }
        }
    }

    /// Whether node ports answer on 127.0.0.1, in the modes that can.
    pub fn localhost_node_ports(&self) -> bool {
        self.iptables.localhost_node_ports.unwrap_or(true)
    }

    /// How the pods' traffic is told from other traffic.
    pub fn detect_local(&self) -> DetectLocal {
        let detect = &self.detect_local;
        match self.detect_local_mode.as_str() {
            "" | "ClusterCIDR" => DetectLocal::ClusterCidr(first_of_each_family(
                self.cluster_cidr.split(',').filter_map(parse_cidr),
            )),
            "NodeCIDR" => DetectLocal::NodeCidr,
            "BridgeInterface" => DetectLocal::BridgeInterface(detect.bridge_interface.clone()),
            "InterfaceNamePrefix" => {
                DetectLocal::InterfaceNamePrefix(detect.interface_name_prefix.clone())
            }
            _ => DetectLocal::Unknown,
        }
    }

    /// The local addresses that node ports answer on.
    pub fn node_port_addresses(&self) -> NodePortAddresses {
        match self.node_port_addresses.as_deref() {
            None | Some([]) => NodePortAddresses::All,
            Some([only]) if only == PRIMARY => NodePortAddresses::Primary,
            Some(several) => NodePortAddresses::Cidrs(
                several.iter().filter_map(|text| parse_cidr(text)).collect(),
            ),
        }
    }

    /// The ranges whose virtual servers belong to others.
    pub fn ipvs_exclude_cidrs(&self) -> Vec<IpNet> {
        let texts = self.ipvs.exclude_cidrs.iter().flatten();
        texts.filter_map(|text| parse_cidr(text)).collect()
    }

    /// What to take for the node's primary address; none where the Node object decides.
    pub fn bind_address(&self) -> Option<IpAddr> {
        parse_ip(&self.bind_address).filter(|ip| !ip.is_unspecified())
    }

    /// Where the health server listens; none for nowhere.
    pub fn healthz_address(&self) -> Option<SocketAddr> {
        parse_socket(&self.healthz_bind_address)
    }

    /// Where the metrics server listens; none for nowhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        parse_socket(&self.metrics_bind_address)
    }
}

fn first_of_each_family(ranges: impl Iterator<Item = IpNet>) -> Vec<IpNet> {
    let mut first: Vec<IpNet> = Vec::new();
    for range in ranges {
        if !first
            .iter()
            .any(|other| other.addr().is_ipv4() == range.addr().is_ipv4())
        {
            first.push(range);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> KubeProxyConfiguration {
        KubeProxyConfiguration::with_defaults()
    }

    fn net(text: &str) -> IpNet {
        text.parse().expect("a range")
    }

    #[test]
    fn each_mode_has_its_own_periods_and_mark() {
        let mut config = defaults();
        config.nftables.masquerade_bit = Some(7);
        config.nftables.sync_period = GoDuration::from_seconds(60);
        config.nftables.masquerade_all = true;
        config.ipvs.min_sync_period = GoDuration::from_seconds(2);
        let of = |mode| {
            (
                config.masquerade_bit(mode),
                config.masquerade_all(mode),
                config.sync_period(mode).as_secs(),
                config.min_sync_period(mode).as_secs(),
            )
        };
        assert_eq!(of(ProxyMode::Nftables), (7, true, 60, 1));
        assert_eq!(of(ProxyMode::Ipvs), (14, false, 30, 2));
        assert_eq!(of(ProxyMode::Iptables), (14, false, 30, 1));
        assert_eq!(of(ProxyMode::Userspace), (14, false, 30, 1));
    }

    #[test]
    fn pod_traffic_is_told_by_the_first_range_of_each_family() {
        let mut config = defaults();
        assert_eq!(config.detect_local(), DetectLocal::ClusterCidr(vec![]));
        config.cluster_cidr = "fd00::/48,10.244.0.1/16,10.0.0.0/8".to_owned();
        assert_eq!(
            config.detect_local(),
            DetectLocal::ClusterCidr(vec![net("fd00::/48"), net("10.244.0.0/16")])
        );
        config.detect_local.bridge_interface = "cni0".to_owned();
        config.detect_local.interface_name_prefix = "veth".to_owned();
        for (mode, meaning) in [
            ("NodeCIDR", DetectLocal::NodeCidr),
            (
                "BridgeInterface",
                DetectLocal::BridgeInterface("cni0".to_owned()),
            ),
            (
                "InterfaceNamePrefix",
                DetectLocal::InterfaceNamePrefix("veth".to_owned()),
            ),
            ("Guess", DetectLocal::Unknown),
        ] {
            config.detect_local_mode = mode.to_owned();
            assert_eq!(config.detect_local(), meaning);
        }
    }

    #[test]
    fn node_ports_answer_everywhere_unless_told_otherwise() {
        let mut config = defaults();
        assert_eq!(config.node_port_addresses(), NodePortAddresses::All);
        config.node_port_addresses = Some(vec![]);
        assert_eq!(config.node_port_addresses(), NodePortAddresses::All);
        config.node_port_addresses = Some(vec!["primary".to_owned()]);
        assert_eq!(config.node_port_addresses(), NodePortAddresses::Primary);
        config.node_port_addresses = Some(vec!["10.0.0.5/8".to_owned(), "::1/128".to_owned()]);
        assert_eq!(
            config.node_port_addresses(),
            NodePortAddresses::Cidrs(vec![net("10.0.0.0/8"), net("::1/128")])
        );
    }

    #[test]
    fn addresses_to_listen_on_are_parsed_and_may_be_none() {
        let mut config = defaults();
        assert_eq!(
            config.bind_address(),
            None,
            "0.0.0.0 leaves it to the Node object"
        );
        assert_eq!(config.healthz_address(), "0.0.0.0:10256".parse().ok());
        assert_eq!(config.metrics_address(), "127.0.0.1:10249".parse().ok());
        config.metrics_bind_address = String::new();
        assert_eq!(config.metrics_address(), None);
    }
}
