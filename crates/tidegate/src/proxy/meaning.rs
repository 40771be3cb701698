//! What kube-proxy's configuration means to our parts.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use tidegate_modes::{IptablesOptions, IpvsOptions, ModeOptions, UserspaceOptions, Variant};
use tidegate_plan::{NodePortAddresses, PlanSettings, PodTraffic};
use tidegate_proxy::{FromNode, ProxyConfig, local_addresses};
use tidegate_proxy_config::{
    DetectLocal, KubeProxyConfiguration, NodePortAddresses as AskedAddresses, ProxyMode,
};

use super::ModeChoice;

/// What the machine says and no configuration file.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeSide {
    /// The node's name.
    pub(crate) node: String,
    /// The node's own addresses, besides those of the Node object.
    pub(crate) node_addresses: Vec<IpAddr>,
    /// The ranges of cluster IPs; those of the API if there are none here.
    pub(crate) service_cidrs: Vec<IpNet>,
    /// The ranges of pods, where the configuration names none.
    pub(crate) pod_cidrs: Vec<IpNet>,
    /// Changes don't wait for each other, whatever pause the configuration has by default.
    pub(crate) at_once: bool,
    /// Leave the rules in the kernel on exit.
    pub(crate) keep_rules: bool,
}

impl NodeSide {
    /// With the addresses that this machine has now: what it sends may come from any of them. Those
    /// that are no use to others (loopback, link-local) aren't told.
    pub(crate) fn with_local_addresses(mut self) -> Self {
        let is_known_to_others = |address: &IpAddr| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
        };
        match local_addresses() {
            Ok(addresses) => {
                let told = addresses.into_iter().filter(is_known_to_others);
                self.node_addresses.extend(told);
                self.node_addresses.sort_unstable();
                self.node_addresses.dedup();
            }
            Err(error) => {
                tracing::warn!(%error, "this machine's addresses can't be read; only those of its Node object count as its own")
            }
        }
        self
    }
}

/// A configuration's meaning.
pub(crate) struct Meaning {
    pub(crate) proxy: ProxyConfig,
    pub(crate) choice: ModeChoice,
}

impl Meaning {
    /// Reads a configuration that was validated.
    pub(crate) fn of(config: &KubeProxyConfiguration, side: &NodeSide) -> Self {
        // Validation refuses every other name.
        let mode = config.proxy_mode().unwrap_or(ProxyMode::Auto);
        let (pod_traffic, pod_cidrs_from_node) = pod_traffic(config, side);
        let (node_port_addresses, addresses_from_node) = match config.node_port_addresses() {
            AskedAddresses::All => (NodePortAddresses::AllLocal, false),
            AskedAddresses::Primary => (NodePortAddresses::AllLocal, true),
            AskedAddresses::Cidrs(cidrs) => (NodePortAddresses::Within(cidrs), false),
        };
        let bind_address = config.bind_address();
        let plan = PlanSettings {
            node: side.node.clone(),
            service_cidrs: side.service_cidrs.clone(),
            pod_traffic,
            masquerade_all: config.masquerade_all(mode),
            node_port_addresses,
            without_external_ips: !config.allow_service_external_ips(),
            node_addresses: bind_address
                .into_iter()
                .chain(side.node_addresses.iter().copied())
                .collect(),
            ..PlanSettings::default()
        };
        Self {
            proxy: ProxyConfig {
                plan,
                from_node: FromNode {
                    pod_cidrs: pod_cidrs_from_node,
                    node_port_addresses: addresses_from_node,
                },
                min_sync_period: match side.at_once {
                    true => Duration::ZERO,
                    false => config.min_sync_period(mode),
                },
                audit_period: config.sync_period(mode),
                keep_rules: side.keep_rules,
                ..ProxyConfig::default()
            },
            choice: ModeChoice::new(mode, options(config, mode)),
        }
    }
}

fn pod_traffic(config: &KubeProxyConfiguration, side: &NodeSide) -> (PodTraffic, bool) {
    let traffic = match config.detect_local() {
        DetectLocal::ClusterCidr(cidrs) if cidrs.is_empty() && side.pod_cidrs.is_empty() => {
            PodTraffic::Unknown
        }
        DetectLocal::ClusterCidr(cidrs) if cidrs.is_empty() => {
            PodTraffic::Cidrs(side.pod_cidrs.clone())
        }
        DetectLocal::ClusterCidr(cidrs) => PodTraffic::Cidrs(cidrs),
        DetectLocal::NodeCidr => return (PodTraffic::Unknown, true),
        DetectLocal::BridgeInterface(bridge) => PodTraffic::Bridge(bridge),
        DetectLocal::InterfaceNamePrefix(prefix) => PodTraffic::InterfacePrefix(prefix),
        DetectLocal::Unknown => PodTraffic::Unknown,
    };
    (traffic, false)
}

fn options(config: &KubeProxyConfiguration, mode: ProxyMode) -> ModeOptions {
    let masquerade_bit = config.masquerade_bit(mode);
    let tcp_be_liberal = config.conntrack.tcp_be_liberal;
    let given = |duration: Duration| (!duration.is_zero()).then_some(duration);
    let ipvs = &config.ipvs;
    let ours = &config.tidegate;
    let default = ModeOptions::default();
    ModeOptions {
        loopback_node_ports: config.localhost_node_ports(),
        userspace: UserspaceOptions {
            udp_idle: given(ours.userspace.udp_idle_timeout.get())
                .unwrap_or(default.userspace.udp_idle),
            ..default.userspace
        },
        iptables: IptablesOptions {
            masquerade_bit,
            tcp_be_liberal,
            variant: match ours.iptables_variant.as_str() {
                "legacy" => Variant::Legacy,
                "nft" => Variant::Nft,
                _ => Variant::Auto,
            },
            ..default.iptables
        },
        ipvs: IpvsOptions {
            scheduler: match ipvs.scheduler.as_str() {
                "" => default.ipvs.scheduler,
                name => name.to_owned(),
            },
            exclude_cidrs: config.ipvs_exclude_cidrs(),
            strict_arp: ipvs.strict_arp,
            tcp_timeout: given(ipvs.tcp_timeout.get()),
            tcp_fin_timeout: given(ipvs.tcp_fin_timeout.get()),
            udp_timeout: given(ipvs.udp_timeout.get()),
            masquerade_bit,
            tcp_be_liberal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(change: impl FnOnce(&mut KubeProxyConfiguration), side: &NodeSide) -> Meaning {
        let mut config = KubeProxyConfiguration::with_defaults();
        change(&mut config);
        Meaning::of(&config, side)
    }

    #[test]
    fn pods_are_told_by_the_configured_ranges_else_by_the_machines_own() {
        let ours: IpNet = "10.244.0.0/24".parse().expect("a range");
        let side = NodeSide {
            pod_cidrs: vec![ours],
            ..NodeSide::default()
        };
        let own = meaning(|_| (), &side);
        assert_eq!(own.proxy.plan.pod_traffic, PodTraffic::Cidrs(vec![ours]));
        let configured = meaning(
            |config| config.cluster_cidr = "10.0.0.0/8".to_owned(),
            &side,
        );
        let theirs = "10.0.0.0/8".parse().expect("a range");
        assert_eq!(
            configured.proxy.plan.pod_traffic,
            PodTraffic::Cidrs(vec![theirs])
        );
        let unknown = meaning(|_| (), &NodeSide::default());
        assert_eq!(unknown.proxy.plan.pod_traffic, PodTraffic::Unknown);
    }

    #[test]
    fn line_25_the_address_to_bind_and_the_machines_own_are_the_nodes() {
        let side = NodeSide {
            node_addresses: vec![IpAddr::from([10, 244, 0, 1])],
            ..NodeSide::default()
        };
        let with = |bind_address: &str| {
            let asked = meaning(
                |config| config.bind_address = bind_address.to_owned(),
                &side,
            );
            asked.proxy.plan.node_addresses
        };
        assert_eq!(with("0.0.0.0"), side.node_addresses);
        let both = [[192, 0, 2, 9], [10, 244, 0, 1]].map(IpAddr::from);
        assert_eq!(with("192.0.2.9"), both);
    }

    #[test]
    fn a_mode_is_not_opened_anew_for_options_of_another_one() {
        let choice = |mode: &str, scheduler: &str| {
            let change = |config: &mut KubeProxyConfiguration| {
                config.mode = mode.to_owned();
                config.ipvs.scheduler = scheduler.to_owned();
            };
            meaning(change, &NodeSide::default()).choice
        };
        for mode in ["userspace", "iptables", "nftables"] {
            assert_eq!(choice(mode, "rr"), choice(mode, "lc"), "{mode}");
        }
        assert_ne!(choice("ipvs", "rr"), choice("ipvs", "lc"));
    }

    #[test]
    fn external_ips_are_served_unless_the_feature_gate_is_off() {
        let allowed = |value: Option<bool>| {
            let asked = meaning(
                |config| {
                    let gate = value.map(|value| ("AllowServiceExternalIPs".to_owned(), value));
                    config.feature_gates.extend(gate);
                },
                &NodeSide::default(),
            );
            !asked.proxy.plan.without_external_ips
        };
        assert_eq!(
            [None, Some(true), Some(false)].map(allowed),
            [true, true, false]
        );
    }

    #[test]
    fn what_stands_in_the_node_object_is_left_to_the_proxy() {
        let asked = meaning(
            |config| {
                config.detect_local_mode = "NodeCIDR".to_owned();
                config.node_port_addresses = Some(vec!["primary".to_owned()]);
            },
            &NodeSide::default(),
        );
        assert!(asked.proxy.from_node.pod_cidrs && asked.proxy.from_node.node_port_addresses);
    }

    #[test]
    fn an_empty_mode_is_iptables_as_upstream_and_each_mode_has_its_own_periods() {
        let iptables = meaning(|_| (), &NodeSide::default());
        assert_eq!(iptables.choice.mode, ProxyMode::Iptables);
        assert_eq!(iptables.proxy.min_sync_period, Duration::from_secs(1));
        let ipvs = meaning(
            |config| config.mode = "ipvs".to_owned(),
            &NodeSide::default(),
        );
        assert_eq!(ipvs.choice.mode, ProxyMode::Ipvs);
        assert_eq!(ipvs.proxy.min_sync_period, Duration::ZERO);
        assert_eq!(ipvs.choice.options.ipvs.scheduler, "rr");
    }
}
