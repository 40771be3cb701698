//! What records hold.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Kind;

/// The data of one record.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// An alias for this name.
    Cname(Target<'a>),
    /// A server of the zone.
    Ns(Target<'a>),
    /// The name of an address.
    Ptr(Target<'a>),
    /// Where a service is served.
    Srv {
        /// The smaller, the sooner it is tried.
        priority: u16,
        /// The share among those of the same priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: Target<'a>,
    },
    /// One piece of text, of which the first 255 octets count.
    Txt(&'a [u8]),
    /// The start of a zone.
    Soa(StartOfAuthority<'a>),
    /// Data that is in wire form already, without compressed names.
    Raw(Kind, &'a [u8]),
}

/// A name as a few labels and what they are put before.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The first labels, none of them empty.
    pub labels: &'a [&'a [u8]],
    /// The rest, in wire form.
    pub rest: &'a [u8],
}

/// The fields of an SOA record that differ from zone to zone.
#[derive(Clone, Copy, Debug)]
pub struct StartOfAuthority<'a> {
    /// The zone's own name.
    pub origin: &'a [u8],
    /// The version.
    pub serial: u32,
    /// For how many seconds "no" may be kept.
    pub minimum: u32,
}

/// How often secondaries look, how soon they try again, when they give up, in seconds: CoreDNS's.
const REFRESH: u32 = 7200;
const RETRY: u32 = 1800;
const EXPIRE: u32 = 86_400;

impl<'a> From<&'a [u8]> for Target<'a> {
    /// A name in wire form.
    fn from(rest: &'a [u8]) -> Self {
        Self { labels: &[], rest }
    }
}

impl From<IpAddr> for Data<'_> {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::A(address),
            IpAddr::V6(address) => Self::Aaaa(address),
        }
    }
}

impl Data<'_> {
    /// The record's type.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self {
            Self::A(_) => Kind::A,
            Self::Aaaa(_) => Kind::AAAA,
            Self::Cname(_) => Kind::CNAME,
            Self::Ns(_) => Kind::NS,
            Self::Ptr(_) => Kind::PTR,
            Self::Srv { .. } => Kind::SRV,
            Self::Txt(_) => Kind::TXT,
            Self::Soa(_) => Kind::SOA,
            Self::Raw(kind, _) => *kind,
        }
    }

    /// Appends the data in wire form. Names in it are never compressed, so that later records may
    /// point into them wherever the type allows that or not.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::A(address) => out.extend(address.octets()),
            Self::Aaaa(address) => out.extend(address.octets()),
            Self::Cname(target) | Self::Ns(target) | Self::Ptr(target) => target.write(out),
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => {
                out.extend(priority.to_be_bytes());
                out.extend(weight.to_be_bytes());
                out.extend(port.to_be_bytes());
                target.write(out);
            }
            Self::Txt(text) => {
                let text = text.get(..255).unwrap_or(text);
                out.push(text.len() as u8);
                out.extend(text);
            }
            Self::Soa(soa) => soa.write(out),
            Self::Raw(_, bytes) => out.extend(*bytes),
        }
    }

    /// How far into the data a name begins that other records may point to.
    pub(crate) fn name_at(&self) -> usize {
        match self {
            Self::Srv { .. } => 6,
            _ => 0,
        }
    }
}

impl Target<'_> {
    /// Appends the name in wire form.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        for label in self.labels {
            out.push(label.len() as u8);
            out.extend(*label);
        }
        out.extend(self.rest);
    }
}

impl StartOfAuthority<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let server = [&b"ns"[..], b"dns"];
        let mailbox = [&b"hostmaster"[..]];
        for labels in [&server[..], &mailbox] {
            let rest = self.origin;
            Target { labels, rest }.write(out);
        }
        for number in [self.serial, REFRESH, RETRY, EXPIRE, self.minimum] {
            out.extend(number.to_be_bytes());
        }
    }
}
