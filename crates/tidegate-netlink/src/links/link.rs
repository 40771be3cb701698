//! Network devices and their addresses.

use std::net::IpAddr;

/// A network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number, which no other device of the network namespace has.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What made it (`dummy`, `veth`, `bridge`); hardware and the loopback device have none.
    pub kind: Option<String>,
    /// Whether it is switched on.
    pub up: bool,
}

/// An address of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkAddress {
    /// The number of the device that has it.
    pub link: u32,
    /// The address.
    pub address: IpAddr,
    /// The length of the prefix that it shares with its neighbours.
    pub prefix: u8,
    /// Where it means something.
    pub scope: Scope,
}

/// Where an address means something (`RT_SCOPE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Universe,
    /// On the device's network only: link-local addresses.
    Link,
    /// On this machine only: the loopback device's.
    Host,
    /// Somewhere that somebody gave a number.
    Other(u8),
}

impl Scope {
    pub(super) fn of_number(number: u8) -> Self {
        match number {
            0 => Self::Universe,
            253 => Self::Link,
            254 => Self::Host,
            other => Self::Other(other),
        }
    }
}
