//! Elements of sets.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::SetType;
use crate::Protocol;

/// An element of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    /// Of a [`SetType::HashIp`].
    Ip(IpAddr),
    /// Of a [`SetType::HashIpPort`].
    IpPort(IpAddr, Protocol, u16),
    /// Of a [`SetType::HashIpPortIp`].
    IpPortIp(IpAddr, Protocol, u16, IpAddr),
    /// Of a [`SetType::HashIpPortNet`]. The kernel refuses a network of prefix length 0, and keeps
    /// only the network's part of the address.
    IpPortNet(IpAddr, Protocol, u16, IpNet),
    /// Of a [`SetType::BitmapPort`].
    Port(u16),
}

/// An element with what the set gives for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// The element, which is once in a set.
    pub element: Element,
    /// The mark that packets get from a rule with `-j SET --map-set … --map-mark`; only in a set
    /// with marks.
    pub mark: Option<Mark>,
}

/// A mark for packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// The bits to set.
    pub value: u32,
    /// The bits of the packet's mark that are cleared before.
    pub mask: u32,
}

impl From<Element> for Entry {
    fn from(element: Element) -> Self {
        let mark = None;
        Self { element, mark }
    }
}

impl Element {
    /// The type of the sets that may have it.
    pub fn set_type(&self) -> SetType {
        match self {
            Self::Ip(..) => SetType::HashIp,
            Self::IpPort(..) => SetType::HashIpPort,
            Self::IpPortIp(..) => SetType::HashIpPortIp,
            Self::IpPortNet(..) => SetType::HashIpPortNet,
            Self::Port(..) => SetType::BitmapPort,
        }
    }
}

impl fmt::Display for Element {
    /// Prints it as `ipset save` does: `10.96.0.1,tcp:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::IpPort(address, protocol, port) => write!(f, "{address},{protocol}:{port}"),
            Self::IpPortIp(address, protocol, port, other) => {
                write!(f, "{address},{protocol}:{port},{other}")
            }
            Self::IpPortNet(address, protocol, port, net) => {
                write!(f, "{address},{protocol}:{port},")?;
                match net.prefix_len() == net.max_prefix_len() {
                    true => write!(f, "{}", net.addr()),
                    false => write!(f, "{}", net.trunc()),
                }
            }
            Self::Port(port) => write!(f, "{port}"),
        }
    }
}

impl fmt::Display for Entry {
    /// Prints it as `ipset save` does: `10.96.0.1,tcp:80 skbmark 0x1/0xff`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.element)?;
        match self.mark {
            None => Ok(()),
            Some(Mark { value, mask }) if mask == u32::MAX => write!(f, " skbmark {value:#x}"),
            Some(Mark { value, mask }) => write!(f, " skbmark {value:#x}/{mask:#x}"),
        }
    }
}
