//! The part of a table that doesn't depend on Services: its sets, chains and rules, and the
//! elements that come from the settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use tidegate_netlink::nftables::{Chain, Element, Family, Rule, Set, Table, Tuple};
use tidegate_plan::{NodePortAddresses, PlanSettings};

use super::content::Placed;
use super::rules;
use super::sets::SetId;
use crate::address::listener_range;

/// The name of our table in each family. Whatever is in it is ours.
const TABLE: &str = "tidegate-userspace";

/// What our tables carry as their comment. The number changes with the shape of sets and chains, so
/// that a newer tidegate knows a table that it has to build anew.
const TABLE_COMMENT: &str = "Kubernetes Services by tidegate in user space, shape 1";

/// A table without its Services.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) table: Table,
    pub(crate) sets: Vec<(SetId, Set)>,
    pub(crate) chains: Vec<(Chain, Vec<Rule>)>,
    /// The elements that come from the settings.
    pub(crate) elements: Vec<Placed>,
}

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

impl Frame {
    pub(crate) fn new(family: Family, settings: &PlanSettings, options: FrameOptions) -> Self {
        let definition = |id: SetId| (id, id.definition(family));
        let on_loopback = options.loopback_node_ports && loopback_is_selected(settings);
        Self {
            table: table(family),
            sets: SetId::ALL.map(definition).to_vec(),
            chains: rules::chains(family, &settings.pod_traffic, on_loopback),
            elements: elements(family, settings),
        }
    }

    /// The definition of a set.
    pub(crate) fn set(&self, id: SetId) -> Option<&Set> {
        let found = self.sets.iter().find(|(other, _)| *other == id);
        found.map(|(_, set)| set)
    }
}

/// Whether the addresses that node ports answer on include 127.0.0.1, where that is asked for.
pub(crate) fn loopback_is_selected(settings: &PlanSettings) -> bool {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => true,
        NodePortAddresses::Within(ranges) => ranges.iter().any(|range| range.contains(&loopback)),
    }
}

fn elements(family: Family, settings: &PlanSettings) -> Vec<Placed> {
    let everything = match family {
        Family::Ip => IpNet::from(ipnet::Ipv4Net::default()),
        Family::Ip6 => IpNet::from(ipnet::Ipv6Net::default()),
    };
    let loopback = match family {
        Family::Ip => single(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
        Family::Ip6 => single(Ipv6Addr::LOCALHOST.into(), 128),
    };
    let everything = [everything];
    let node_ports = match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => everything.as_slice(),
        NodePortAddresses::Within(ranges) => ranges,
    };
    let pods = match &settings.pod_traffic {
        tidegate_plan::PodTraffic::Cidrs(cidrs) => cidrs.as_slice(),
        _ => &[],
    };
    let of = |id: SetId, ranges: &[IpNet]| {
        let elements = networks(family, ranges);
        elements.into_iter().map(move |one| (id, one))
    };
    let mut all: Vec<Placed> = of(SetId::Pods, pods)
        .chain(of(SetId::ServiceRanges, &settings.service_cidrs))
        .chain(of(SetId::NodePortRanges, node_ports))
        .chain(of(SetId::Loopback, &[loopback]))
        .chain(of(SetId::Listeners, &[listener_range(family)]))
        .collect();
    all.sort();
    all
}

/// The elements that stand for networks, of which those of another family are left out, and none of
/// which overlap.
fn networks(family: Family, networks: &[IpNet]) -> Vec<Element> {
    let of_family: Vec<IpNet> = networks
        .iter()
        .filter(|network| network.addr().is_ipv4() == (family == Family::Ip))
        .map(IpNet::trunc)
        .collect();
    let tuple = |address| Tuple::new().address(address);
    let element = |range: IpNet| match range.network() == range.broadcast() {
        true => Element::key(tuple(range.network())),
        false => Element::range(tuple(range.network()), tuple(range.broadcast())),
    };
    IpNet::aggregate(&of_family)
        .into_iter()
        .map(element)
        .collect()
}

fn single(address: IpAddr, length: u8) -> IpNet {
    IpNet::new(address, length).unwrap_or_else(|_| IpNet::from(address))
}
