//! Which blocks are served at which addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use nix::ifaddrs::getifaddrs;
use tidegate_dns_config::{BindTo, DnsConfig, ServerBlock};
use tidegate_dns_wire::LowerName;

use super::bind::BindError;
use crate::block::{Block, lower};
use crate::desk::Blocks;

/// An address with the zones that are served there.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    /// Whether another server may have the same address.
    pub(super) is_shared: bool,
    /// Zones, by the numbers of their blocks in the configuration.
    zones: Vec<(LowerName, usize)>,
    pub(super) blocks: Blocks,
}

impl Place {
    /// Puts blocks in the places of their numbers.
    pub(super) fn attach(&mut self, blocks: &[Arc<Block>]) {
        let zones = self.zones.iter().filter_map(|(zone, number)| {
            let block = blocks.get(*number)?;
            Some((*zone, Arc::clone(block)))
        });
        self.blocks = Blocks::new(zones.collect());
    }
}

/// Everywhere that a configuration wants to be served; `otherwise` is where blocks are that don't
/// say where.
pub(super) fn places(config: &DnsConfig, otherwise: &[IpAddr]) -> Result<Vec<Place>, BindError> {
    let node_local = config.node_local.as_ref();
    let node_local = node_local.map_or(&[][..], |local| &local.addresses);
    let mut places: Vec<Place> = Vec::new();
    for (number, block) in config.servers.iter().enumerate() {
        let hosts = hosts(block, otherwise)?;
        for zone in &block.zones {
            let own = hosts.iter().map(|host| (*host, false));
            let local = node_local.iter().map(|host| (*host, true));
            for (host, is_shared) in own.chain(local) {
                let address = SocketAddr::new(host, zone.port);
                let known = places.iter().position(|place| place.address == address);
                let at = known.unwrap_or_else(|| {
                    places.push(Place {
                        address,
                        is_shared,
                        zones: Vec::new(),
                        blocks: Blocks::default(),
                    });
                    places.len() - 1
                });
                if let Some(place) = places.get_mut(at) {
                    place.zones.push((lower(&zone.name), number));
                }
            }
        }
    }
    match places.is_empty() {
        true => Err(BindError::NoAddress),
        false => Ok(places),
    }
}

/// The addresses of a block.
fn hosts(block: &ServerBlock, otherwise: &[IpAddr]) -> Result<Vec<IpAddr>, BindError> {
    if block.bind.is_empty() {
        return Ok(match otherwise.is_empty() {
            true => everywhere(),
            false => otherwise.to_vec(),
        });
    }
    let mut hosts = Vec::new();
    for bind in &block.bind {
        let except = all(&bind.except)?;
        hosts.extend(
            all(&bind.to)?
                .into_iter()
                .filter(|host| !except.contains(host)),
        );
    }
    hosts.sort_unstable();
    hosts.dedup();
    Ok(hosts)
}

fn all(of: &[BindTo]) -> Result<Vec<IpAddr>, BindError> {
    let mut hosts = Vec::new();
    for one in of {
        match one {
            BindTo::Address(address) => hosts.push(*address),
            BindTo::Interface(name) => hosts.extend(addresses_of(name)?),
        }
    }
    Ok(hosts)
}

fn addresses_of(interface: &str) -> Result<Vec<IpAddr>, BindError> {
    let none = || BindError::NoInterface(interface.to_owned());
    let all = getifaddrs().map_err(|_| none())?;
    let its = all.filter(|one| one.interface_name == interface);
    let addresses = its.filter_map(|one| {
        let address = one.address?;
        let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
        let v6 = address.as_sockaddr_in6().map(|it| it.ip());
        // An address of the link needs to say which link.
        v4.or(v6.filter(|ip| !ip.is_unicast_link_local()).map(IpAddr::V6))
    });
    let addresses: Vec<IpAddr> = addresses.collect();
    match addresses.is_empty() {
        true => Err(none()),
        false => Ok(addresses),
    }
}

/// Every address of both families, or of IPv4 alone on a machine without IPv6.
fn everywhere() -> Vec<IpAddr> {
    let has_v6 = std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let v6 = has_v6.then_some(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    std::iter::once(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        .chain(v6)
        .collect()
}
