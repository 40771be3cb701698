//! One tracked connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::constants::{
    DESTINATION_PORT, ID, PROTOCOL_NUMBER, SEEN_REPLY, SOURCE_PORT, STATUS, TRANSLATED_DESTINATION,
    TUPLE_IP, TUPLE_ORIGINAL, TUPLE_PROTOCOL, TUPLE_REPLY, TUPLE_ZONE, V4_DESTINATION, V4_SOURCE,
    V6_DESTINATION, V6_SOURCE, ZONE,
};
use crate::attribute::{Attribute, Attributes, Encoder, Malformed};

/// A tracked connection of a protocol that has ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The number of the transport protocol.
    pub protocol: u8,
    /// As the client opened it.
    pub original: Endpoints,
    /// As the answers come: its source is the backend if the destination was translated.
    pub reply: Endpoints,
    /// Whether there was an answer.
    pub replied: bool,
    /// Whether its destination was translated.
    pub translated: bool,
    /// The conntrack zone that it lives in; zero unless somebody set zones up.
    pub zone: u16,
    original_zone: Option<u16>,
    id: Option<u32>,
}

/// The two ends of one direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// Who sends.
    pub source: SocketAddr,
    /// Who receives.
    pub destination: SocketAddr,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoints {
            source,
            destination,
        } = self.original;
        let (protocol, backend) = (self.protocol, self.reply.source);
        write!(
            f,
            "protocol {protocol} {source} to {destination}, answered by {backend}"
        )
    }
}

impl Flow {
    /// The address family's number in netlink headers.
    pub(super) fn family_number(&self) -> u8 {
        match self.original.source {
            SocketAddr::V4(_) => 2,
            SocketAddr::V6(_) => 10,
        }
    }

    /// Writes what makes the kernel find exactly this connection. (A deletion without it would
    /// delete everything.)
    pub(super) fn identify(&self, out: &mut Encoder) {
        let Endpoints {
            source,
            destination,
        } = self.original;
        out.nested(TUPLE_ORIGINAL, |out| {
            out.nested(TUPLE_IP, |out| {
                write_address(V4_SOURCE, V6_SOURCE, source.ip(), out);
                write_address(V4_DESTINATION, V6_DESTINATION, destination.ip(), out);
            });
            out.nested(TUPLE_PROTOCOL, |out| {
                out.u8(PROTOCOL_NUMBER, self.protocol);
                out.be16(SOURCE_PORT, source.port());
                out.be16(DESTINATION_PORT, destination.port());
            });
            if let Some(zone) = self.original_zone {
                out.be16(TUPLE_ZONE, zone);
            }
        });
        if self.zone != 0 {
            out.be16(ZONE, self.zone);
        }
        if let Some(id) = self.id {
            out.be32(ID, id);
        }
    }
}

fn write_address(v4: u16, v6: u16, address: IpAddr, out: &mut Encoder) {
    match address {
        IpAddr::V4(address) => out.bytes(v4, &address.octets()),
        IpAddr::V6(address) => out.bytes(v6, &address.octets()),
    }
}

/// Reads a connection; `None` if its protocol has no ports.
pub(super) fn parse(attributes: &Attributes<'_>) -> Result<Option<Flow>, Malformed> {
    let original = attributes.require(TUPLE_ORIGINAL, "a connection has no original direction")?;
    let reply = attributes.require(TUPLE_REPLY, "a connection has no reply direction")?;
    let (Some((protocol, original_ends)), Some((_, reply_ends))) =
        (endpoints(&original)?, endpoints(&reply)?)
    else {
        return Ok(None);
    };
    let status = match attributes.find(STATUS)? {
        Some(status) => status.be32()?,
        None => 0,
    };
    let zone = attributes.find(ZONE)?.map(|zone| zone.be16()).transpose()?;
    let original_zone = original.attributes().find(TUPLE_ZONE)?;
    let id = attributes.find(ID)?;
    Ok(Some(Flow {
        protocol,
        original: original_ends,
        reply: reply_ends,
        replied: status & SEEN_REPLY != 0,
        translated: status & TRANSLATED_DESTINATION != 0,
        zone: zone.unwrap_or_default(),
        original_zone: original_zone.map(|zone| zone.be16()).transpose()?,
        id: id.map(|id| id.be32()).transpose()?,
    }))
}

/// Reads one direction; `None` if its protocol has no ports.
fn endpoints(tuple: &Attribute<'_>) -> Result<Option<(u8, Endpoints)>, Malformed> {
    let tuple = tuple.attributes();
    let ip = tuple
        .require(TUPLE_IP, "a direction has no addresses")?
        .attributes();
    let protocol = tuple
        .require(TUPLE_PROTOCOL, "a direction has no protocol")?
        .attributes();
    let number = protocol.require(PROTOCOL_NUMBER, "a protocol has no number")?;
    let (Some(source_port), Some(destination_port)) = (
        protocol.find(SOURCE_PORT)?,
        protocol.find(DESTINATION_PORT)?,
    ) else {
        return Ok(None);
    };
    let source = address(&ip, V4_SOURCE, V6_SOURCE)?;
    let destination = address(&ip, V4_DESTINATION, V6_DESTINATION)?;
    Ok(Some((
        number.u8()?,
        Endpoints {
            source: SocketAddr::new(source, source_port.be16()?),
            destination: SocketAddr::new(destination, destination_port.be16()?),
        },
    )))
}

fn address(ip: &Attributes<'_>, v4: u16, v6: u16) -> Result<IpAddr, Malformed> {
    const WRONG: Malformed = Malformed("an address isn't as long as its family's are");
    if let Some(found) = ip.find(v4)? {
        let octets: [u8; 4] = found.value.try_into().map_err(|_| WRONG)?;
        return Ok(octets.into());
    }
    let found = ip.require(v6, "a direction lacks an address")?;
    let octets: [u8; 16] = found.value.try_into().map_err(|_| WRONG)?;
    Ok(octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flow(source: &str, destination: &str, backend: &str) -> Flow {
        let parse = |text: &str| text.parse().expect("an address and port");
        Flow {
            protocol: 17,
            original: Endpoints {
                source: parse(source),
                destination: parse(destination),
            },
            reply: Endpoints {
                source: parse(backend),
                destination: parse(source),
            },
            replied: false,
            translated: false,
            zone: 3,
            original_zone: Some(4),
            id: Some(77),
        }
    }

    /// A connection as the kernel tells it.
    fn told(flow: &Flow) -> Vec<u8> {
        let mut out = Encoder::default();
        flow.identify(&mut out);
        let backwards = Flow {
            original: flow.reply,
            ..flow.clone()
        };
        let mut reply = Encoder::default();
        backwards.identify(&mut reply);
        let tuple = Attributes::new(&reply.buffer).find(TUPLE_ORIGINAL);
        let tuple = tuple.expect("well-formed").expect("there");
        out.bytes(TUPLE_REPLY, tuple.value);
        out.buffer
    }

    #[test]
    fn what_identifies_a_connection_is_read_back() {
        for flow in [
            flow("10.0.0.1:4000", "10.96.0.1:53", "10.0.0.2:5353"),
            flow("[fd00::1]:4000", "[fd00:96::1]:53", "[fd00::2]:5353"),
        ] {
            assert_eq!(parse(&Attributes::new(&told(&flow))), Ok(Some(flow)));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_connection_is_read_without_a_panic(at in 0usize..120, byte: u8, cut in 0usize..120) {
            let mut bytes = told(&flow("10.0.0.1:4000", "10.96.0.1:53", "10.0.0.2:5353"));
            let place = at % bytes.len();
            bytes[place] = byte;
            bytes.truncate(cut.max(1));
            if let Ok(Some(flow)) = parse(&Attributes::new(&bytes)) {
                prop_assert!(!flow.to_string().is_empty());
            }
        }
    }
}
