//! The part of a table that doesn't depend on Services: its sets, chains and rules, and the
//! elements that come from the settings.

use std::collections::BTreeSet;

use tidegate_model::IpFamily;
use tidegate_netlink::nftables::{Element, Family, Table};
use tidegate_nft_table::{Placed, ranges};
use tidegate_plan::{NodePortAddresses, PlanSettings};

use crate::content::Numbered;
use crate::memory;
use crate::rules;
use crate::sets::SetId;
use crate::{TABLE, TABLE_COMMENT};

/// A table without its Services.
pub(crate) type Frame = tidegate_nft_table::Frame<SetId>;

/// Our table in a family.
pub(crate) fn table(family: Family) -> Table {
    Table {
        comment: Some(TABLE_COMMENT.to_owned()),
        ..Table::new(family, TABLE)
    }
}

/// Our table in a family without its Services, whose draws need rules for these numbers.
pub(crate) fn frame(
    family: Family,
    settings: &PlanSettings,
    numbers: &BTreeSet<Numbered>,
) -> Frame {
    let pods = settings.pod_traffic_of(ip_family(family));
    let chains = rules::chains(family, &pods, numbers);
    Frame {
        prefix: Some(memory::PREFIX),
        ..Frame::new(table(family), chains, elements(family, settings))
    }
}

fn ip_family(family: Family) -> IpFamily {
    match family {
        Family::Ip => IpFamily::V4,
        Family::Ip6 => IpFamily::V6,
    }
}

fn elements(family: Family, settings: &PlanSettings) -> Vec<Placed<SetId>> {
    let everything = [ranges::everything(family)];
    let node_ports = match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => everything.as_slice(),
        NodePortAddresses::Within(ranges) => ranges,
    };
    let node_ports = ranges::networks_but_loopback(family, node_ports);
    let service_ranges = ranges::networks(family, &settings.service_cidrs);
    let pods = match &settings.pod_traffic {
        tidegate_plan::PodTraffic::Cidrs(cidrs) => ranges::networks(family, cidrs),
        _ => Vec::new(),
    };
    let of = |id: SetId, elements: Vec<Element>| elements.into_iter().map(move |one| (id, one));
    of(SetId::Pods, pods)
        .chain(of(SetId::ServiceRanges, service_ranges))
        .chain(of(SetId::NodePortRanges, node_ports))
        .collect()
}
