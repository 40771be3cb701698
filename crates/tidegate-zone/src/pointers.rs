//! Reverse names: from an address to the names that lead to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tidegate_dns_wire::{Data, Kind, LowerName, Reply, Target};

use crate::index::Slot;
use crate::lookup::Lookup;

/// What a name below `in-addr.arpa` or `ip6.arpa` stands for, an address or the network of all
/// addresses whose names end in it, and at which label the family's tree begins. `None` if it's
/// another name, or one that spells its numbers in a way that no reverse name does (`007`, `+1`).
pub(crate) fn read(name: &LowerName) -> Option<(IpNet, usize)> {
    let tree = name.count().checked_sub(2)?;
    if name.label(tree + 1) != b"arpa" {
        return None;
    }
    let network = match name.label(tree) {
        b"in-addr" => read_v4(name, tree)?,
        b"ip6" => read_v6(name, tree)?,
        _ => return None,
    };
    Some((network, tree))
}

/// The same of the nearest parent that stands for something, for a name that doesn't.
pub(crate) fn read_parent(name: &LowerName) -> Option<(IpNet, usize)> {
    let tree = name.count().checked_sub(2)?;
    if name.label(tree + 1) != b"arpa" {
        return None;
    }
    // No address has more labels than these.
    let longest = tree.saturating_sub(32).max(1);
    (longest..=tree).find_map(|first| {
        let parent = LowerName::from_wire(name.from_label(first)).ok()?;
        let (network, apex) = read(&parent)?;
        Some((network, apex + first))
    })
}

/// The addresses whose names end in a reverse name, if it is one.
pub fn network_of_reverse_name(name: &LowerName) -> Option<IpNet> {
    read(name).map(|(network, _)| network)
}

/// The address that a reverse name stands for, if it is the name of one.
pub fn address_of_reverse_name(name: &LowerName) -> Option<IpAddr> {
    let (network, _) = read(name)?;
    (network.prefix_len() == network.max_prefix_len()).then(|| network.addr())
}

fn read_v4(name: &LowerName, labels: usize) -> Option<IpNet> {
    let mut octets = [0; 4];
    for (index, octet) in octets.iter_mut().take(labels).enumerate() {
        let label = name.label(labels - 1 - index);
        let is_plain = label
            .first()
            .is_some_and(|first| *first != b'0' || label.len() == 1);
        let is_number = label.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(label)
            .ok()
            .filter(|_| is_plain && is_number)?;
        *octet = text.parse().ok()?;
    }
    let bits = u8::try_from(labels * 8).ok()?;
    Ipv4Net::new(Ipv4Addr::from(octets), bits)
        .ok()
        .map(IpNet::V4)
}

fn read_v6(name: &LowerName, labels: usize) -> Option<IpNet> {
    let mut bits: u128 = 0;
    if labels > 32 {
        return None;
    }
    for index in 0..labels {
        let [digit] = name.label(labels - 1 - index) else {
            return None;
        };
        let digit = char::from(*digit).to_digit(16)?;
        bits |= u128::from(digit) << (124 - 4 * index);
    }
    let length = u8::try_from(labels * 4).ok()?;
    Ipv6Net::new(Ipv6Addr::from(bits), length)
        .ok()
        .map(IpNet::V6)
}

/// How many labels the name of a network has before that of its family's tree.
pub(crate) fn labels_of(network: &IpNet) -> usize {
    let bits = match network {
        IpNet::V4(_) => 8,
        IpNet::V6(_) => 4,
    };
    usize::from(network.prefix_len() / bits)
}

/// Whether anybody in the cluster has an address.
pub(crate) fn is_there(lookup: &Lookup<'_>, address: IpAddr) -> bool {
    let found = lookup.index.with_owners(address, |slots| {
        slots.iter().any(|slot| is_shown(lookup, slot))
    });
    found.unwrap_or(false)
}

fn is_shown(lookup: &Lookup<'_>, slot: &Slot) -> bool {
    let [_, namespace] = slot.labels();
    lookup.settings.shows(namespace)
}

/// Looks an address up and writes the names that it has; says whether anybody in the cluster has it.
///
/// A cluster IP leads to the first Service that has it and to nothing else. The address of a pod
/// leads to one name in every Service that the pod belongs to.
pub(crate) fn find(lookup: &Lookup<'_>, address: IpAddr, reply: &mut Reply<'_>) -> bool {
    let Some(domain) = lookup.settings.domains.first() else {
        return false;
    };
    let origin = domain.name().as_wire();
    let write = |reply: &mut Reply<'_>, labels: &[&[u8]]| {
        let rest = origin;
        lookup.answer(reply, &Data::Ptr(Target { labels, rest }));
    };
    let found = lookup.index.with_owners(address, |slots| {
        let shown = slots.iter().filter(|slot| is_shown(lookup, slot));
        let mut shown = shown.peekable();
        if shown.peek().is_none() {
            return false;
        }
        if lookup.kind != Kind::PTR {
            return true;
        }
        if let Some(slot) = shown
            .clone()
            .find(|slot| slot.entry.load().has_virtual(address))
        {
            write(reply, &Lookup::service_labels(slot));
            return true;
        }
        for slot in shown {
            let entry = slot.entry.load();
            let endpoints = &entry.endpoints;
            let [service, namespace, svc] = Lookup::service_labels(slot);
            let has_it = |member: &&_| endpoints.address(member) == Some(address);
            let members: smallvec::SmallVec<[_; 4]> = endpoints.members().filter(has_it).collect();
            for (place, member) in members.iter().enumerate() {
                let Some(label) = endpoints.label(member) else {
                    continue;
                };
                let is_same = endpoints.named(label.as_bytes());
                if !members.iter().take(place).any(|earlier| is_same(earlier)) {
                    write(reply, &[label.as_bytes(), service, namespace, svc]);
                }
            }
        }
        true
    });
    found.unwrap_or(false)
}
