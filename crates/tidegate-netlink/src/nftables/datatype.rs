//! The types of the values in sets and maps, by `nft`'s names.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Family;

/// The type of one value in a key or in data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Datatype {
    /// `ipv4_addr`: four bytes.
    Ipv4Addr,
    /// `ipv6_addr`: sixteen bytes.
    Ipv6Addr,
    /// `inet_proto`: the number of a transport protocol, one byte.
    InetProto,
    /// `inet_service`: a port, two bytes in network order.
    InetService,
    /// `mark`: a plain number, four bytes in the host's order. `nft` has no better type for one.
    Number,
    /// `ifname`: a text of at most fifteen bytes, which needn't name an interface.
    Name,
    /// What an address is to this host, by its routing table; [`Datatype::LOCAL`] is one.
    AddressType,
    /// Bits that tell what was done to a connection; [`Datatype::DNAT`] is one.
    ConnectionStatus,
}

/// How many bits of a concatenation's type number one type takes (`TYPE_BITS` of nft).
const TYPE_BITS: u32 = 6;

impl Datatype {
    /// The address type of this host's own addresses (`RTN_LOCAL`).
    pub const LOCAL: u32 = 2;
    /// The bit of connections whose destination was translated (`IPS_DST_NAT`).
    pub const DNAT: u32 = 0x20;

    /// The type of a family's addresses.
    pub fn address(family: Family) -> Self {
        match family {
            Family::Ip => Self::Ipv4Addr,
            Family::Ip6 => Self::Ipv6Addr,
        }
    }

    /// The name in listings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ipv4Addr => "ipv4_addr",
            Self::Ipv6Addr => "ipv6_addr",
            Self::InetProto => "inet_proto",
            Self::InetService => "inet_service",
            Self::Number => "mark",
            Self::Name => "ifname",
            Self::AddressType => "fib_addrtype",
            Self::ConnectionStatus => "ct_status",
        }
    }

    /// The number by which `nft` recognises the type; the kernel only keeps it.
    fn number(self) -> u32 {
        match self {
            Self::Ipv4Addr => 7,
            Self::Ipv6Addr => 8,
            Self::InetProto => 12,
            Self::InetService => 13,
            Self::Number => 19,
            Self::ConnectionStatus => 28,
            Self::AddressType => 38,
            Self::Name => 41,
        }
    }

    /// The length of a value in bytes.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::InetProto => 1,
            Self::InetService => 2,
            Self::Ipv4Addr | Self::Number | Self::AddressType | Self::ConnectionStatus => 4,
            Self::Ipv6Addr | Self::Name => 16,
        }
    }

    /// The length of a value in registers and concatenations, which count in four bytes.
    pub(crate) fn width(self) -> usize {
        self.length().next_multiple_of(4)
    }

    /// The byte order of a single value, by `nft`'s number; several values have none in common.
    pub(crate) fn byte_order(types: &[Self]) -> Option<u32> {
        const HOST: u32 = 1;
        const NETWORK: u32 = 2;
        match types {
            [Self::Number | Self::Name | Self::AddressType | Self::ConnectionStatus] => Some(HOST),
            [_] => Some(NETWORK),
            _ => None,
        }
    }

    /// The type number of a concatenation of types.
    pub(crate) fn concatenation(types: &[Self]) -> u32 {
        types
            .iter()
            .fold(0, |all, one| (all << TYPE_BITS) | one.number())
    }

    /// The length of a concatenation in bytes; a single value isn't padded.
    pub(crate) fn total_length(types: &[Self]) -> usize {
        match types {
            [single] => single.length(),
            several => several.iter().map(|one| one.width()).sum(),
        }
    }

    /// Prints a value as `nft list` does; bytes that can't be one are printed in hexadecimal.
    pub(crate) fn write_value(self, bytes: &[u8], out: &mut impl Write) -> fmt::Result {
        match (self, bytes) {
            (Self::Ipv4Addr, _) => match <[u8; 4]>::try_from(bytes) {
                Ok(address) => write!(out, "{}", Ipv4Addr::from(address)),
                Err(_) => hexadecimal(bytes, out),
            },
            (Self::Ipv6Addr, _) => match <[u8; 16]>::try_from(bytes) {
                Ok(address) => write!(out, "{}", Ipv6Addr::from(address)),
                Err(_) => hexadecimal(bytes, out),
            },
            (Self::InetProto, [number, ..]) => match number {
                1 => out.write_str("icmp"),
                6 => out.write_str("tcp"),
                17 => out.write_str("udp"),
                58 => out.write_str("ipv6-icmp"),
                132 => out.write_str("sctp"),
                other => write!(out, "{other}"),
            },
            (Self::InetService, [high, low, ..]) => {
                write!(out, "{}", u16::from_be_bytes([*high, *low]))
            }
            (Self::Number, [a, b, c, d]) => {
                write!(out, "0x{:08x}", u32::from_ne_bytes([*a, *b, *c, *d]))
            }
            (Self::AddressType, _) if bytes == Self::LOCAL.to_ne_bytes() => out.write_str("local"),
            (Self::ConnectionStatus, _) if bytes == Self::DNAT.to_ne_bytes() => {
                out.write_str("dnat")
            }
            (Self::Name, _) => {
                let end = bytes
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(bytes.len());
                write!(out, "\"{}\"", String::from_utf8_lossy(&bytes[..end]))
            }
            _ => hexadecimal(bytes, out),
        }
    }

    /// Prints the values of a concatenation with dots between them.
    pub(crate) fn write_all(types: &[Self], mut bytes: &[u8], out: &mut impl Write) -> fmt::Result {
        for (index, one) in types.iter().enumerate() {
            if index > 0 {
                out.write_str(" . ")?;
            }
            let (value, rest) = bytes.split_at(one.width().min(bytes.len()));
            one.write_value(&value[..one.length().min(value.len())], out)?;
            bytes = rest;
        }
        Ok(())
    }
}

fn hexadecimal(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    out.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// A list of types as the head of a set declares it.
pub(crate) struct TypeList<'a>(pub(crate) &'a [Datatype]);

impl fmt::Display for TypeList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            let dot = if index > 0 { " . " } else { "" };
            write!(f, "{dot}{}", one.name())?;
        }
        Ok(())
    }
}
