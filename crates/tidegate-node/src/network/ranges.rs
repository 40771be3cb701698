//! What the host's addresses and routes take up.

use std::net::IpAddr;

use futures::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteType,
};
use rtnetlink::RouteMessageBuilder;

use super::netlink::{Netlink, NetlinkError, failed};

/// A range that the host reaches or owns already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) net: IpNet,
    pub(crate) link: u32,
    /// An address of the host, as opposed to a route.
    pub(crate) is_address: bool,
}

impl Netlink {
    /// Every address and every unicast route of the main table except default routes.
    pub(crate) async fn ranges(&self) -> Result<Vec<Range>, NetlinkError> {
        let addresses: Vec<_> = self
            .handle
            .address()
            .get()
            .execute()
            .try_collect()
            .await
            .map_err(failed(|| "listing addresses".to_owned()))?;
        let mut ranges = Vec::new();
        for message in addresses {
            let address = message
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    AddressAttribute::Local(address) => Some(*address),
                    AddressAttribute::Address(address) if address.is_ipv6() => Some(*address),
                    _ => None,
                });
            if let Some(net) =
                address.and_then(|address| IpNet::new(address, message.header.prefix_len).ok())
            {
                ranges.push(Range {
                    net,
                    link: message.header.index,
                    is_address: true,
                });
            }
        }
        for family in [RouteMessageBuilder::<IpAddr>::new().build(), ipv6_filter()] {
            let routes: Vec<_> = self
                .handle
                .route()
                .get(family)
                .execute()
                .try_collect()
                .await
                .map_err(failed(|| "listing routes".to_owned()))?;
            ranges.extend(routes.iter().filter_map(route_range));
        }
        Ok(ranges)
    }
}

fn ipv6_filter() -> RouteMessage {
    RouteMessageBuilder::<std::net::Ipv6Addr>::new().build()
}

fn route_range(route: &RouteMessage) -> Option<Range> {
    if route.header.table != RouteHeader::RT_TABLE_MAIN || route.header.kind != RouteType::Unicast {
        return None;
    }
    let mut destination = None;
    let mut link = 0;
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => {
                destination = Some(IpAddr::from(*address));
            }
            RouteAttribute::Destination(RouteAddress::Inet6(address)) => {
                destination = Some(IpAddr::from(*address));
            }
            RouteAttribute::Oif(index) => link = *index,
            _ => {}
        }
    }
    let net = IpNet::new(destination?, route.header.destination_prefix_length).ok()?;
    Some(Range {
        net,
        link,
        is_address: false,
    })
}
