//! The addresses that our listeners have: a handful that nobody else uses, for which this host takes
//! packets because of a route of type `local`.
//!
//! Why not the node's own addresses: those come and go, a listener there would take a port from the
//! node's other processes, and which one a `redirect` picks depends on the interface, which may have
//! none. Why not 127.0.0.1: packets from elsewhere don't get there without `route_localnet`, which
//! opens the loopback of every process. A route instead of an address on a link: so the address
//! isn't one of the node's for anybody who lists those.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;
use tidegate_netlink::nftables::Family;

/// The first address of IPv4: link-local ones aren't forwarded by anybody (RFC 3927).
const FIRST_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 84, 68);

/// The first address of IPv6: a unique local one (RFC 4193) whose bytes spell the project's name.
const FIRST_V6: Ipv6Addr = Ipv6Addr::new(0xfd74, 0x6964, 0x6567, 0x6174, 0, 0, 0, 4);

/// How many addresses there are, as a number of bits. One has room for some 14,000 listeners of
/// each protocol.
const BITS: u8 = 2;

/// The table of routes that the kernel looks into for what is its own (`RT_TABLE_LOCAL`).
const LOCAL_TABLE: u8 = 255;

/// The loopback link, which has the number 1 in every network namespace.
const LOOPBACK: u32 = 1;

/// The range of our listeners' addresses.
pub(crate) fn listener_range(family: Family) -> IpNet {
    let (address, length): (IpAddr, u8) = match family {
        Family::Ip => (FIRST_V4.into(), 32 - BITS),
        Family::Ip6 => (FIRST_V6.into(), 128 - BITS),
    };
    IpNet::new(address, length).unwrap_or_else(|_| IpNet::from(address))
}

/// The addresses of the range, in the order in which they are used.
pub(crate) fn listener_addresses(family: Family) -> impl Iterator<Item = IpAddr> {
    let range = listener_range(family);
    (0..1_u8 << BITS).map(move |number| match range.network() {
        IpAddr::V4(first) => IpAddr::from((u32::from(first) + u32::from(number)).to_be_bytes()),
        IpAddr::V6(first) => IpAddr::from((u128::from(first) + u128::from(number)).to_be_bytes()),
    })
}

/// Has the kernel take packets to our listeners' addresses. Whether it didn't before.
///
/// # Errors
/// The kernel refuses, for lack of privilege or of the family.
pub(crate) fn add_route(family: Family) -> Result<bool, Errno> {
    let flags = NLM_F_CREATE | NLM_F_EXCL;
    match ask(RouteNetlinkMessage::NewRoute(route(family)), flags) {
        Ok(()) => Ok(true),
        Err(Errno::EEXIST) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes the route away; its not being there is fine.
///
/// # Errors
/// The kernel refuses, for lack of privilege.
pub(crate) fn remove_route(family: Family) -> Result<(), Errno> {
    match ask(RouteNetlinkMessage::DelRoute(route(family)), 0) {
        Ok(()) | Err(Errno::ESRCH | Errno::ENOENT | Errno::EAFNOSUPPORT) => Ok(()),
        Err(error) => Err(error),
    }
}

fn route(family: Family) -> RouteMessage {
    let range = listener_range(family);
    let destination = match range.network() {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    };
    let mut message = RouteMessage::default();
    message.header = RouteHeader {
        address_family: match family {
            Family::Ip => AddressFamily::Inet,
            Family::Ip6 => AddressFamily::Inet6,
        },
        destination_prefix_length: range.prefix_len(),
        table: LOCAL_TABLE,
        protocol: RouteProtocol::Static,
        scope: match family {
            Family::Ip => RouteScope::Host,
            Family::Ip6 => RouteScope::Universe,
        },
        kind: RouteType::Local,
        ..RouteHeader::default()
    };
    message.attributes = vec![
        RouteAttribute::Destination(destination),
        RouteAttribute::Oif(LOOPBACK),
    ];
    message
}

/// Asks the kernel for a change and waits for its answer.
fn ask(message: RouteNetlinkMessage, flags: u16) -> Result<(), Errno> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    header.sequence_number = 1;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);

    let mut socket = Socket::new(NETLINK_ROUTE).map_err(|error| errno(&error))?;
    socket.bind_auto().map_err(|error| errno(&error))?;
    let kernel = SocketAddr::new(0, 0);
    let sent = socket.send_to(&bytes, &kernel, 0);
    sent.map_err(|error| errno(&error))?;
    let (answer, _) = socket.recv_from_full().map_err(|error| errno(&error))?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer);
    match answer.map_err(|_| Errno::EBADMSG)?.payload {
        NetlinkPayload::Error(answer) => match answer.code {
            None => Ok(()),
            Some(code) => Err(Errno::from_raw(code.get().saturating_neg())),
        },
        _ => Err(Errno::EBADMSG),
    }
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_those_that_are_routed() {
        for family in Family::ALL {
            let range = listener_range(family);
            let addresses: Vec<IpAddr> = listener_addresses(family).collect();
            assert_eq!(addresses.len(), 4);
            assert!(addresses.iter().all(|address| range.contains(address)));
        }
    }
}
