//! The part of a table that doesn't depend on Services: its sets, chains and rules, and the
//! elements that come from the settings.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use tidegate_model::IpFamily;
use tidegate_netlink::nftables::{Family, Table};
use tidegate_nft_table::{Frame, Placed, Wanted, ranges};
use tidegate_plan::{NodePortAddresses, PlanKey, PlanSettings};

use super::content::Content;
use super::rules;
use super::sets::SetId;
use crate::address::listener_range;
use crate::listeners::family_of;

/// The name of our table in each family. Whatever is in it is ours.
const TABLE: &str = "tidegate-userspace";

/// What our tables carry as their comment. The number changes with the shape of sets and chains, so
/// that a newer tidegate knows a table that it has to build anew.
const TABLE_COMMENT: &str = "Kubernetes Services by tidegate in user space, shape 1";

/// What a frame depends on besides the plan's settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameOptions {
    /// Whether node ports answer on 127.0.0.1 too.
    pub(crate) loopback_node_ports: bool,
}

/// Our table in a family.
pub(crate) fn table(family: Family) -> Table {
    Table {
        comment: Some(TABLE_COMMENT.to_owned()),
        ..Table::new(family, TABLE)
    }
}

/// Our table in a family, with the Services of that family.
pub(crate) fn wanted<'a>(
    family: Family,
    settings: &PlanSettings,
    options: FrameOptions,
    services: &'a BTreeMap<PlanKey, Content>,
) -> Wanted<'a, SetId> {
    let of_family = services
        .iter()
        .filter(|(key, _)| family_of(key.family) == family);
    Wanted {
        frame: frame(family, settings, options),
        chains: Vec::new(),
        services: of_family
            .map(|(key, content)| (key, content.elements.as_slice()))
            .collect(),
    }
}

fn frame(family: Family, settings: &PlanSettings, options: FrameOptions) -> Frame<SetId> {
    let on_loopback = options.loopback_node_ports && loopback_is_selected(settings);
    let pods = settings.pod_traffic_of(match family {
        Family::Ip => IpFamily::V4,
        Family::Ip6 => IpFamily::V6,
    });
    let chains = rules::chains(family, &pods, on_loopback);
    Frame::new(table(family), chains, elements(family, settings))
}

/// Whether the addresses that node ports answer on include 127.0.0.1, where that is asked for.
pub(crate) fn loopback_is_selected(settings: &PlanSettings) -> bool {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => true,
        NodePortAddresses::Within(ranges) => ranges.iter().any(|range| range.contains(&loopback)),
    }
}

fn elements(family: Family, settings: &PlanSettings) -> Vec<Placed<SetId>> {
    let everything = [ranges::everything(family)];
    let loopback = match family {
        Family::Ip => single(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
        Family::Ip6 => single(Ipv6Addr::LOCALHOST.into(), 128),
    };
    let node_ports = match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => everything.as_slice(),
        NodePortAddresses::Within(ranges) => ranges,
    };
    let pods = match &settings.pod_traffic {
        tidegate_plan::PodTraffic::Cidrs(cidrs) => cidrs.as_slice(),
        _ => &[],
    };
    let of = |id: SetId, networks: &[IpNet]| {
        let elements = ranges::networks(family, networks);
        elements.into_iter().map(move |one| (id, one))
    };
    of(SetId::Pods, pods)
        .chain(of(SetId::ServiceRanges, &settings.service_cidrs))
        .chain(of(SetId::NodePortRanges, node_ports))
        .chain(of(SetId::Loopback, &[loopback]))
        .chain(of(SetId::Listeners, &[listener_range(family)]))
        .collect()
}

fn single(address: IpAddr, length: u8) -> IpNet {
    IpNet::new(address, length).unwrap_or_else(|_| IpNet::from(address))
}

#[cfg(test)]
mod tests {
    use tidegate_plan::PodTraffic;

    use super::*;

    #[test]
    fn line_24_pods_can_not_be_told_in_a_family_without_a_range_of_theirs() {
        let settings = PlanSettings {
            pod_traffic: PodTraffic::Cidrs(vec![single(Ipv4Addr::new(10, 244, 0, 0).into(), 16)]),
            ..PlanSettings::default()
        };
        let unknown = PlanSettings::default();
        let chains = |family, settings: &PlanSettings| {
            let options = FrameOptions {
                loopback_node_ports: true,
            };
            frame(family, settings, options).chains
        };
        assert_eq!(
            chains(Family::Ip6, &settings),
            chains(Family::Ip6, &unknown)
        );
        assert_ne!(chains(Family::Ip, &settings), chains(Family::Ip, &unknown));
    }
}
