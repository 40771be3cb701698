//! Which Services have an address.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use smallvec::SmallVec;

use crate::index::Slot;
use crate::shards::Shards;

/// Addresses with the Services that have them. There must be one writer at a time.
#[derive(Debug)]
pub(crate) struct Owners {
    table: Shards<Owner>,
    digests: DefaultHashBuilder,
}

/// A Service that has an address. There is one of these for each address of each Service, so it
/// holds a digest instead of the address: whether a Service has it, its entry tells.
#[derive(Clone, Debug)]
struct Owner {
    digest: u64,
    slot: Arc<Slot>,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            table: Shards::new(),
            digests: DefaultHashBuilder::default(),
        }
    }
}

impl Owners {
    /// The Services that have an address at this moment, in the order of their names.
    pub(crate) fn of(&self, address: IpAddr) -> SmallVec<[Arc<Slot>; 2]> {
        let digest = self.digests.hash_one(address);
        let (hash, part) = self.table.read(&digest);
        let alike = part.iter_hash(hash).filter(|one| one.digest == digest);
        let has_it = |one: &&Owner| one.slot.entry.load().has(address);
        let slots = alike.filter(has_it).map(|one| Arc::clone(&one.slot));
        let mut slots: SmallVec<[_; 2]> = slots.collect();
        slots.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        slots
    }

    /// Says that a Service has these addresses too, or will have them in a moment.
    pub(crate) fn add(&self, slot: &Arc<Slot>, addresses: impl Iterator<Item = IpAddr>) {
        for digest in addresses.map(|address| self.digests.hash_one(address)) {
            let owner = Owner {
                digest,
                slot: Arc::clone(slot),
            };
            self.table.change(
                &digest,
                |owner| &owner.digest,
                |hash, part, hasher| {
                    part.insert_unique(hash, owner, hasher);
                },
            );
        }
    }

    /// Says that a Service doesn't have these addresses any more.
    pub(crate) fn remove(&self, slot: &Arc<Slot>, addresses: impl Iterator<Item = IpAddr>) {
        for digest in addresses.map(|address| self.digests.hash_one(address)) {
            let is_it = |one: &Owner| one.digest == digest && Arc::ptr_eq(&one.slot, slot);
            self.table.change(
                &digest,
                |owner| &owner.digest,
                |hash, part, _| {
                    if let Ok(found) = part.find_entry(hash, is_it) {
                        found.remove();
                    }
                },
            );
        }
    }
}
