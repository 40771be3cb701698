//! Everything that names can lead to, ready to be looked up.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use smallvec::SmallVec;
use tidegate_dns_wire::LowerName;
use tidegate_model::ServiceKey;

use crate::entry::ServiceEntry;
use crate::owners::Owners;
use crate::pod_addresses::PodAddresses;
use crate::shards::Shards;

/// Set in the state once everything is in.
const SYNCED: u64 = 1 << 32;

/// The cluster's Services by name and by address, its namespaces, and its pods where those are
/// needed.
///
/// Readers never wait. Replacing one Service costs what that Service is in size, and for each of
/// its addresses that come or go a copy of a thousandth of all addresses.
#[derive(Debug)]
pub struct ZoneIndex {
    /// The serial number in the low half, and whether everything is in.
    state: AtomicU64,
    namespaces: ArcSwap<HashSet<Box<[u8]>>>,
    services: Shards<Arc<Slot>>,
    owners: Owners,
    pods: PodAddresses,
    writing: Mutex<()>,
}

/// Beside the pointer to the entry, so that a look at a Service waits for memory once less.
type SlotName = SmallVec<[u8; 32]>;

/// The place of a Service, which stays while what is in it changes.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The labels of Service and namespace in wire form, without an end.
    pub(crate) name: SlotName,
    pub(crate) entry: ArcSwap<ServiceEntry>,
}

impl Slot {
    /// The labels of the Service and of its namespace.
    pub(crate) fn labels(&self) -> [&[u8]; 2] {
        let after =
            |rest: &'_ [u8]| -> usize { 1 + rest.first().map_or(0, |one| usize::from(*one)) };
        let (service, namespace) = self.name.split_at(after(&self.name));
        [service, namespace].map(|label| label.get(1..).unwrap_or_default())
    }
}

impl Default for ZoneIndex {
    fn default() -> Self {
        Self {
            state: AtomicU64::new(0),
            namespaces: ArcSwap::default(),
            services: Shards::new(),
            owners: Owners::default(),
            pods: PodAddresses::default(),
            writing: Mutex::new(()),
        }
    }
}

impl ZoneIndex {
    /// Puts a Service in place of what was there under its name. One whose name can't be a DNS
    /// name has none.
    pub fn set(&self, key: &ServiceKey, entry: ServiceEntry) {
        let Some(name) = wire(key) else {
            return;
        };
        let _writing = self.lock();
        let new = entry.sorted_addresses();
        match self.slot(&name) {
            Some(slot) => {
                let old = slot.entry.load().sorted_addresses();
                // A reader that comes by an address finds an entry that has it or doesn't, never
                // one of another Service.
                self.owners.add(&slot, difference(&new, &old));
                slot.entry.store(Arc::new(entry));
                self.owners.remove(&slot, difference(&old, &new));
            }
            None => {
                let slot = Arc::new(Slot {
                    name: name.clone(),
                    entry: ArcSwap::from_pointee(entry),
                });
                self.owners.add(&slot, new.iter().copied());
                self.services.change(
                    &name[..],
                    |slot| &slot.name[..],
                    |hash, part, hasher| {
                        part.insert_unique(hash, slot, hasher);
                    },
                );
            }
        }
    }

    /// Forgets a Service; one that isn't there is no mistake.
    pub fn remove(&self, key: &ServiceKey) {
        let _writing = self.lock();
        let Some(slot) = wire(key).and_then(|name| self.slot(&name)) else {
            return;
        };
        self.services.change(
            &slot.name[..],
            |slot| &slot.name[..],
            |hash, part, _| {
                if let Ok(found) = part.find_entry(hash, |one| Arc::ptr_eq(one, &slot)) {
                    found.remove();
                }
            },
        );
        let old = slot.entry.load().sorted_addresses();
        self.owners.remove(&slot, old.iter().copied());
    }

    /// Says which namespaces there are.
    pub fn set_namespaces<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let names = names
            .into_iter()
            .map(|name| name.to_ascii_lowercase().into_bytes().into());
        self.namespaces.store(Arc::new(names.collect()));
    }

    /// Says that a pod in a namespace has an address.
    pub fn add_pod(&self, namespace: &str, address: IpAddr) {
        let _writing = self.lock();
        self.pods.add(namespace, address);
    }

    /// Says that a pod in a namespace doesn't have an address any more.
    pub fn remove_pod(&self, namespace: &str, address: IpAddr) {
        let _writing = self.lock();
        self.pods.remove(namespace, address);
    }

    /// Says that everything known so far is in, at this version of the zone (seconds since 1970,
    /// the serial number of the SOA record).
    pub fn publish(&self, serial: u32) {
        self.state
            .store(SYNCED | u64::from(serial), Ordering::Release);
    }

    /// Whether everything is in that there was at the start.
    pub fn is_synced(&self) -> bool {
        self.state.load(Ordering::Acquire) & SYNCED != 0
    }

    /// The version of the zone.
    pub fn serial(&self) -> u32 {
        self.state.load(Ordering::Acquire) as u32
    }

    /// The namespace of the pod that has an address, in lower case; none if several have it, as
    /// pods in the network of their node do.
    pub fn namespace_of_pod(&self, address: IpAddr) -> Option<Arc<[u8]>> {
        self.pods.namespace(address)
    }

    pub(crate) fn has_pod(&self, namespace: &[u8], address: IpAddr) -> bool {
        self.pods.has(namespace, address)
    }

    pub(crate) fn has_namespace(&self, name: &[u8]) -> bool {
        self.namespaces.load().contains(name)
    }

    /// The Service of a name in wire form without its end.
    #[inline]
    pub(crate) fn slot(&self, name: &[u8]) -> Option<Arc<Slot>> {
        let (hash, part) = self.services.read(name);
        part.find(hash, |slot| slot.name[..] == *name).cloned()
    }

    /// Works with what a Service is at this moment.
    #[inline]
    pub(crate) fn with_service<R>(
        &self,
        name: &[u8],
        work: impl FnOnce(&Slot, &ServiceEntry) -> R,
    ) -> Option<R> {
        let (hash, part) = self.services.read(name);
        let slot = part.find(hash, |slot| slot.name[..] == *name)?;
        Some(work(slot, &slot.entry.load()))
    }

    /// Works with the Services that have an address, in the order of their names.
    pub(crate) fn with_owners<R>(
        &self,
        address: IpAddr,
        work: impl FnOnce(&[Arc<Slot>]) -> R,
    ) -> Option<R> {
        let slots = self.owners.of(address);
        (!slots.is_empty()).then(|| work(&slots))
    }

    /// All Services of this moment in the order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        let mut all = Vec::new();
        self.services.for_each(|slot| all.push(Arc::clone(slot)));
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in one sorted list and not in the other.
fn difference<'a>(these: &'a [IpAddr], those: &'a [IpAddr]) -> impl Iterator<Item = IpAddr> + 'a {
    let is_new = |address: &&IpAddr| those.binary_search(address).is_err();
    these.iter().filter(is_new).copied()
}

/// The labels of a Service and its namespace in wire form, without an end.
fn wire(key: &ServiceKey) -> Option<SlotName> {
    let mut name = LowerName::ROOT;
    name.push(key.name.as_bytes()).ok()?;
    name.push(key.namespace.as_bytes()).ok()?;
    let wire = name.as_wire();
    wire.get(..wire.len() - 1).map(Into::into)
}
