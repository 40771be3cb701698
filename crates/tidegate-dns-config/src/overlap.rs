//! Zones that two server blocks would answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::config::{BindTo, ServedZone, ServerBlock};

/// A zone that is served already.
#[derive(Debug)]
pub(crate) struct Overlap {
    /// Which server block, counted from zero.
    pub(crate) server: usize,
    /// Which of its zones, counted from zero.
    pub(crate) zone: usize,
    /// What is wrong.
    pub(crate) text: String,
}

/// The zones that are served twice on one port: on one address, or on one address and everywhere.
/// These are CoreDNS's rules.
pub(crate) fn overlaps(servers: &[ServerBlock]) -> Vec<Overlap> {
    let mut served: HashMap<&ServedZone, Listeners<'_>> = HashMap::new();
    let mut overlaps = Vec::new();
    for (server, block) in servers.iter().enumerate() {
        let addresses: Vec<&BindTo> = block.addresses().collect();
        // It is refused anyway, and would take long to compare.
        if addresses.len() > ServerBlock::MOST_ADDRESSES {
            continue;
        }
        for (index, zone) in block.zones.iter().enumerate() {
            let reason = match served.entry(zone) {
                Entry::Vacant(entry) => {
                    entry.insert(Listeners::of(server, &addresses));
                    None
                }
                Entry::Occupied(mut entry) => entry.get_mut().add(server, &addresses),
            };
            if let Some(reason) = reason {
                overlaps.push(Overlap {
                    server,
                    zone: index,
                    text: format!(
                        "the zone {} on port {} is served already{reason}; remove one of them",
                        zone.name, zone.port
                    ),
                });
            }
        }
    }
    overlaps
}

/// Where a zone is served.
#[derive(Debug)]
enum Listeners<'a> {
    Everywhere,
    /// On these addresses, each with the block that does.
    On(HashMap<&'a BindTo, usize>),
}

impl<'a> Listeners<'a> {
    fn of(server: usize, addresses: &[&'a BindTo]) -> Self {
        if addresses.is_empty() {
            Self::Everywhere
        } else {
            Self::On(addresses.iter().map(|to| (*to, server)).collect())
        }
    }

    /// Adds the listeners of a block; if they collide with others, says how.
    fn add(&mut self, server: usize, addresses: &[&'a BindTo]) -> Option<String> {
        match self {
            Self::Everywhere if addresses.is_empty() => Some(String::new()),
            Self::Everywhere => Some(" on all addresses".to_owned()),
            Self::On(taken) => {
                if addresses.is_empty() {
                    let some = taken.keys().map(ToString::to_string).min();
                    return Some(format!(" on {}", some.unwrap_or_default()));
                }
                let twice = addresses.iter().find(|to| taken.contains_key(**to));
                if let Some(address) = twice {
                    return Some(format!(" on {address}"));
                }
                taken.extend(addresses.iter().map(|to| (*to, server)));
                None
            }
        }
    }
}
