//! Reverse zones: which of their names exist, and what those have.

use ipnet::{IpAddrRange, IpNet, Ipv4AddrRange, Ipv6AddrRange};
use tidegate_dns_wire::{Kind, LowerName, Reply};

use crate::lookup::{Found, Lookup};
use crate::settings::{ReverseZone, ZoneSettings};
use crate::{apex, pointers};

/// Below how many bits of addresses it is found out whether a name is there: one label of IPv4, two of
/// IPv6. That takes 256 looks at the index at most; one label more of IPv4 would take 65,536, and
/// a client could have them made again and again.
const MOST_BITS: u8 = 8;

/// A name in one of the reverse zones.
pub(crate) struct ReverseName<'s> {
    pub(crate) zone: &'s ReverseZone,
    /// How many labels are before the zone's own name.
    pub(crate) before: usize,
    /// The addresses whose names end in it, if it stands for any.
    network: Option<IpNet>,
}

impl<'s> ReverseName<'s> {
    /// Finds the zone that a name is in.
    pub(crate) fn read(settings: &'s ZoneSettings, name: &LowerName) -> Option<Self> {
        let spelled = pointers::read(name);
        // What is below a zone of ours and stands for no address is in that zone as well.
        let (around, tree) = spelled.or_else(|| pointers::read_parent(name))?;
        let zone = settings.reverse_zone(&around)?;
        Some(Self {
            zone,
            before: tree.saturating_sub(pointers::labels_of(&zone.network)),
            network: spelled.map(|(network, _)| network),
        })
    }

    /// Writes what the name has.
    pub(crate) fn find(&self, lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Found {
        let Some(network) = self.network else {
            return own_name(lookup, reply);
        };
        let is_apex = network == self.zone.network;
        if is_apex && matches!(lookup.kind, Kind::SOA | Kind::NS) {
            return own_records(lookup, reply);
        }
        let exists = match network.prefix_len() == network.max_prefix_len() {
            true => pointers::find(lookup, network.addr(), reply),
            false => self.has_below(lookup, &network),
        };
        Found::if_exists(exists || is_apex)
    }

    /// Whether there is a name below that of a network: one that has pointers, or another zone.
    ///
    /// Of a network that is too large to look, that is assumed where all its names are ours: who
    /// takes "no such name" for an answer may ask for nothing below it any more (RFC 8020). Where
    /// others have names too, they are asked.
    fn has_below(&self, lookup: &Lookup<'_>, network: &IpNet) -> bool {
        let mut zones = lookup.settings.reverse_zones.iter();
        if zones.any(|zone| network.contains(&zone.network)) {
            return true;
        }
        if network.max_prefix_len() - network.prefix_len() > MOST_BITS {
            return !self.zone.fallthrough;
        }
        let mut addresses = match network {
            IpNet::V4(network) => {
                IpAddrRange::V4(Ipv4AddrRange::new(network.network(), network.broadcast()))
            }
            IpNet::V6(network) => {
                IpAddrRange::V6(Ipv6AddrRange::new(network.network(), network.broadcast()))
            }
        };
        addresses.any(|address| pointers::is_there(lookup, address))
    }
}

/// What says whose the zone is. The names of its servers are in the cluster's domain.
fn own_records(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Found {
    let domain = lookup.settings.domains.first();
    let origin = match (lookup.kind, domain) {
        (Kind::NS, Some(domain)) => domain.name().as_wire(),
        (Kind::NS, None) => return Found::Exists,
        _ => lookup.origin,
    };
    apex::records(&Lookup { origin, ..*lookup }, reply)
}

/// A name that stands for no address: that of the server in the SOA record, or none.
fn own_name(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Found {
    let name = lookup.name;
    match (lookup.before, name.label(0), name.label(1)) {
        (1, b"dns", _) => Found::Exists,
        (2, b"ns", b"dns") => apex::name_server(lookup, reply),
        _ => Found::Absent,
    }
}
