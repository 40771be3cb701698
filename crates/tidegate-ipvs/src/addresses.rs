//! The node's own addresses, as far as they matter to Services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use tidegate_model::IpFamily;
use tidegate_plan::{NodePortAddresses, PlanSettings};

/// The addresses of this node in one family, those of our own device left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeAddresses {
    /// All of them.
    pub(crate) all: BTreeSet<IpAddr>,
    /// Those that node ports answer on.
    pub(crate) of_node_ports: BTreeSet<IpAddr>,
}

impl NodeAddresses {
    /// Picks the family's from all addresses of this node. Node ports never answer on loopback
    /// addresses, on cluster IPs (which a caching DNS server may have put on a device of its own),
    /// nor on link-local ones of IPv6, which mean nothing without a device.
    pub(crate) fn new(
        family: IpFamily,
        addresses: impl IntoIterator<Item = IpAddr>,
        settings: &PlanSettings,
    ) -> Self {
        let of_family = addresses.into_iter();
        let all: BTreeSet<IpAddr> = of_family
            .filter(|address| IpFamily::of(*address) == family)
            .collect();
        let is_usable = |address: &IpAddr| match address {
            _ if address.is_loopback() => false,
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        };
        let is_cluster_ip = |address: &IpAddr| {
            let mut ranges = settings.service_cidrs.iter();
            ranges.any(|range| range.contains(address))
        };
        let is_selected = |address: &IpAddr| match &settings.node_port_addresses {
            NodePortAddresses::AllLocal => true,
            NodePortAddresses::Within(ranges) => ranges.iter().any(|range| range.contains(address)),
        };
        let of_node_ports = all.iter().copied();
        Self {
            of_node_ports: of_node_ports
                .filter(|one| is_usable(one) && is_selected(one) && !is_cluster_ip(one))
                .collect(),
            all,
        }
    }

    /// Stands for the addresses of a node that isn't known.
    pub(crate) fn unknown(family: IpFamily) -> Self {
        Self {
            all: BTreeSet::new(),
            of_node_ports: BTreeSet::from([crate::family(family).unspecified()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(family: IpFamily, node_port_addresses: NodePortAddresses) -> Vec<String> {
        let all = [
            "127.0.0.1",
            "192.0.2.1",
            "10.244.0.1",
            "10.96.0.10",
            "::1",
            "fe80::1",
            "fd00:c::1",
        ];
        let all = all.map(|text| text.parse().expect("an address"));
        let settings = PlanSettings {
            service_cidrs: vec!["10.96.0.0/16".parse().expect("a network")],
            node_port_addresses,
            ..PlanSettings::default()
        };
        let addresses = NodeAddresses::new(family, all, &settings);
        let chosen = addresses.of_node_ports.iter();
        chosen.map(ToString::to_string).collect()
    }

    #[test]
    fn node_ports_answer_on_all_addresses_that_others_can_reach() {
        let all = NodePortAddresses::AllLocal;
        let v4 = chosen(IpFamily::V4, all.clone());
        assert_eq!(v4, ["10.244.0.1", "192.0.2.1"]);
        assert_eq!(chosen(IpFamily::V6, all), ["fd00:c::1"]);
    }

    #[test]
    fn node_ports_answer_on_selected_addresses_only_and_never_on_loopback() {
        let ranges = ["192.0.2.0/24", "127.0.0.0/8"];
        let ranges = ranges.map(|text| text.parse().expect("a network"));
        let within = NodePortAddresses::Within(ranges.to_vec());
        assert_eq!(chosen(IpFamily::V4, within.clone()), ["192.0.2.1"]);
        assert!(chosen(IpFamily::V6, within).is_empty());
    }
}
