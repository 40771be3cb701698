//! What the kernel tells of virtual and real servers.

use std::net::SocketAddr;

use super::constants::{
    DESTINATION, FORWARDING_MASK, HASH_FALLBACK, HASH_PORT, INFO_TABLE_SIZE, INFO_VERSION,
    ONE_PACKET, PERSISTENT, SERVICE, TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP, destination,
    service,
};
use super::{
    Forwarding, Hashing, Info, Persistence, RealServer, RealServerFound, Timeouts, VirtualAddress,
    VirtualServer,
};
use crate::attribute::{Attributes, Malformed};
use crate::{Family, Protocol};

/// Reads a virtual server from an answer.
pub(super) fn virtual_server(attributes: &Attributes<'_>) -> Result<VirtualServer, Malformed> {
    let server = attributes.require(SERVICE, "an answer has no virtual server")?;
    let server = server.attributes();
    let address = identity(&server)?;
    let scheduler = server.require(service::SCHEDULER, "a virtual server has no scheduler")?;
    let flags = server.require(service::FLAGS, "a virtual server has no flags")?;
    // The flags, then a mask that says which of them are meant.
    let (flags, _) = flags
        .value
        .split_first_chunk()
        .ok_or(Malformed("flags are shorter than four bytes"))?;
    let flags = u32::from_ne_bytes(*flags);
    let timeout = server.require(service::TIMEOUT, "a virtual server has no time-out")?;
    let netmask = server.require(service::NETMASK, "a virtual server has no netmask")?;
    let prefix = match address.family() {
        // The kernel takes a mask with holes, too; what it has before the first one is told.
        Family::V4 => u8::try_from(netmask.be32()?.leading_ones()),
        Family::V6 => u8::try_from(netmask.ne32()?),
    };
    let persistence = Persistence {
        timeout: timeout.ne32()?,
        prefix: prefix.map_err(|_| Malformed("a netmask is longer than an address"))?,
    };
    Ok(VirtualServer {
        address,
        scheduler: scheduler.string()?,
        persistence: (flags & PERSISTENT != 0).then_some(persistence),
        one_packet: flags & ONE_PACKET != 0,
        hashing: Hashing {
            fallback: flags & HASH_FALLBACK != 0,
            port: flags & HASH_PORT != 0,
        },
    })
}

fn identity(server: &Attributes<'_>) -> Result<VirtualAddress, Malformed> {
    let family = server.require(service::FAMILY, "a virtual server has no family")?;
    let family = family_of(family.ne16()?)?;
    if let Some(mark) = server.find(service::MARK)? {
        let mark = mark.ne32()?;
        return Ok(VirtualAddress::Mark { mark, family });
    }
    let protocol = server.require(service::PROTOCOL, "a virtual server has no protocol")?;
    let protocol = u8::try_from(protocol.ne16()?);
    let address = server.require(service::ADDRESS, "a virtual server has no address")?;
    let port = server.require(service::PORT, "a virtual server has no port")?;
    Ok(VirtualAddress::Port {
        protocol: Protocol(protocol.map_err(|_| Malformed("a protocol exceeds 255"))?),
        address: SocketAddr::new(address.address(family)?, port.be16()?),
    })
}

/// Reads a real server of a virtual server of a family from an answer.
pub(super) fn real_server(
    family: Family,
    attributes: &Attributes<'_>,
) -> Result<RealServerFound, Malformed> {
    let server = attributes.require(DESTINATION, "an answer has no real server")?;
    let server = server.attributes();
    let number = |kind, what| server.require(kind, what)?.ne32();
    // Kernels before 3.18 don't tell it: there it is that of the virtual server.
    let family = match server.find(destination::FAMILY)? {
        Some(number) => family_of(number.ne16()?)?,
        None => family,
    };
    let address = server.require(destination::ADDRESS, "a real server has no address")?;
    let port = server.require(destination::PORT, "a real server has no port")?;
    let forwarding = number(destination::FORWARDING, "a real server has no forwarding")?;
    let forwarding = match forwarding & FORWARDING_MASK {
        0 => Forwarding::Masquerade,
        1 => Forwarding::Local,
        2 => Forwarding::Tunnel,
        3 => Forwarding::Route,
        _ => return Err(Malformed("a way of forwarding is unknown")),
    };
    Ok(RealServerFound {
        server: RealServer {
            address: SocketAddr::new(address.address(family)?, port.be16()?),
            forwarding,
            weight: number(destination::WEIGHT, "a real server has no weight")?,
            upper_threshold: number(destination::UPPER_THRESHOLD, "a real server has no limit")?,
            lower_threshold: number(destination::LOWER_THRESHOLD, "a real server has no limit")?,
        },
        active_connections: number(destination::ACTIVE, "connections aren't counted")?,
        inactive_connections: number(destination::INACTIVE, "connections aren't counted")?,
        persistent_connections: number(destination::PERSISTENT, "clients aren't counted")?,
    })
}

fn family_of(number: u16) -> Result<Family, Malformed> {
    let family = u8::try_from(number).ok().and_then(Family::of_number);
    family.ok_or(Malformed("an address family is unknown"))
}

/// Reads time-outs from an answer.
pub(super) fn timeouts(attributes: &Attributes<'_>) -> Result<Timeouts, Malformed> {
    let timeout = |kind| attributes.require(kind, "a time-out is missing")?.ne32();
    Ok(Timeouts {
        tcp: timeout(TIMEOUT_TCP)?,
        tcp_fin: timeout(TIMEOUT_TCP_FIN)?,
        udp: timeout(TIMEOUT_UDP)?,
    })
}

/// Reads what the kernel says about its IPVS.
pub(super) fn info(attributes: &Attributes<'_>) -> Result<Info, Malformed> {
    let number = |kind| attributes.require(kind, "the version is missing")?.ne32();
    Ok(Info {
        version: number(INFO_VERSION)?,
        connection_table_size: number(INFO_TABLE_SIZE)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Change, encode};
    use super::*;
    use crate::attribute::Encoder;
    use crate::generic::Subsystem;
    use proptest::prelude::*;

    /// What the request to make something says, which is what the kernel says of it as well.
    fn told(change: &Change) -> Vec<u8> {
        let mut out = Encoder::default();
        encode::change(Subsystem::numbered(0x24, 1), change, &mut out, 1);
        out.buffer.split_off(20)
    }

    fn servers() -> Vec<VirtualServer> {
        let address = |text: &str| VirtualAddress::Port {
            protocol: Protocol::UDP,
            address: text.parse().expect("an address and port"),
        };
        let mark = VirtualAddress::Mark {
            mark: 9,
            family: Family::V4,
        };
        let persistence = |prefix| {
            Some(Persistence {
                timeout: 10_800,
                prefix,
            })
        };
        vec![
            VirtualServer::new(address("10.96.0.1:53"), "rr"),
            VirtualServer {
                persistence: persistence(64),
                one_packet: true,
                ..VirtualServer::new(address("[fd00::1]:53"), "wlc")
            },
            VirtualServer {
                persistence: persistence(24),
                hashing: Hashing {
                    fallback: true,
                    port: true,
                },
                ..VirtualServer::new(mark, "mh")
            },
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        for server in servers() {
            let bytes = told(&Change::AddVirtual(server.clone()));
            assert_eq!(virtual_server(&Attributes::new(&bytes)), Ok(server));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_server_is_read_without_a_panic(which in 0usize..3, at in 0usize..200, byte: u8, cut in 0usize..200) {
            let server = servers().swap_remove(which);
            let real = RealServer::masqueraded(([10, 0, 0, 1], 80).into(), 1);
            for change in [
                Change::AddVirtual(server.clone()),
                Change::AddReal(server.address, real),
            ] {
                let mut bytes = told(&change);
                let place = at % bytes.len();
                bytes[place] = byte;
                bytes.truncate(cut.max(1));
                let attributes = Attributes::new(&bytes);
                if let Ok(server) = virtual_server(&attributes) {
                    prop_assert!(!server.to_string().is_empty());
                }
                if let Ok(found) = real_server(Family::V6, &attributes) {
                    prop_assert!(!found.server.to_string().is_empty());
                }
                let _ = (timeouts(&attributes), info(&attributes));
            }
        }
    }
}
