//! Sets.

use std::fmt;

use super::constants::type_name;
use crate::Family;

/// A set as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    /// Its name, at most 31 bytes.
    pub name: String,
    /// What its elements are.
    pub set_type: SetType,
    /// The family of its elements' addresses; ports alone have none, whatever this says.
    pub family: Family,
    /// How many elements it may have; ports alone may be all of them.
    pub max_elements: u32,
    /// Whether elements may have a mark for packets (the extension `skbinfo`).
    pub marks: bool,
}

/// What the elements of a set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SetType {
    /// Addresses.
    HashIp,
    /// An address, a protocol and a port.
    HashIpPort,
    /// An address, a protocol, a port, and another address.
    HashIpPortIp,
    /// An address, a protocol, a port, and a network.
    HashIpPortNet,
    /// Ports from 0 to 65535, of no protocol in particular.
    BitmapPort,
}

/// A set as the kernel tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetFound {
    /// Its name.
    pub name: String,
    /// The kernel's name of its type.
    pub type_name: String,
    /// What it is, if it is of a kind that this module makes: of a type that is known here, without
    /// time-outs, counters, comments or other additions but marks.
    pub set: Option<Set>,
    /// How many elements it has.
    pub elements: u32,
    /// How many rules and sets refer to it; it can't be destroyed before there are none.
    pub references: u32,
}

impl Set {
    /// How many elements a set may have unless told otherwise.
    pub const MAX_ELEMENTS: u32 = 65536;
    /// How many chains a hash has when it is made; the kernel adds more as it needs them.
    pub(super) const HASH_SIZE: u32 = 1024;

    /// A set that may have as many elements as `ipset` lets it have unless told otherwise.
    pub fn new(name: impl Into<String>, set_type: SetType, family: Family) -> Self {
        Self {
            name: name.into(),
            set_type,
            family,
            max_elements: Self::MAX_ELEMENTS,
            marks: false,
        }
    }
}

impl SetFound {
    /// Whether this is what `set` makes.
    pub fn is(&self, set: &Set) -> bool {
        let Some(found) = &self.set else { return false };
        // Ports alone have no family, and no limit.
        let only_ports = set.set_type == SetType::BitmapPort;
        found.name == set.name
            && found.set_type == set.set_type
            && found.marks == set.marks
            && (only_ports || found.family == set.family)
            && (only_ports || found.max_elements == set.max_elements)
    }
}

impl fmt::Display for SetType {
    /// Prints it as `ipset` does: `hash:ip,port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name(*self))
    }
}

impl fmt::Display for Set {
    /// Prints it as `ipset save` does when it is empty:
    /// `create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            set_type,
            family,
            max_elements,
            marks,
        } = self;
        write!(f, "create {name} {set_type} ")?;
        match set_type {
            SetType::BitmapPort => f.write_str("range 0-65535")?,
            _ => {
                let size = Self::HASH_SIZE;
                write!(f, "family {family} hashsize {size} maxelem {max_elements}")?;
            }
        }
        match marks {
            true => f.write_str(" skbinfo"),
            false => Ok(()),
        }
    }
}
