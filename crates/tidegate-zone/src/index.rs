//! Everything that names can lead to, ready to be looked up.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use hashbrown::DefaultHashBuilder;
use smallvec::SmallVec;
use tidegate_dns_wire::LowerName;
use tidegate_model::ServiceKey;

use crate::entry::ServiceEntry;
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
    owners: Shards<Owner>,
    digests: DefaultHashBuilder,
    pods: Shards<Pod>,
    writing: Mutex<()>,
}

/// The place of a Service, which stays while what is in it changes.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The labels of Service and namespace in wire form, without an end.
    pub(crate) name: Box<[u8]>,
    pub(crate) entry: ArcSwap<ServiceEntry>,
}

/// A Service that has an address. There is one of these for each address of each Service, so it
/// holds a digest instead of the address: whether a Service has it, its entry tells.
#[derive(Clone, Debug)]
struct Owner {
    digest: u64,
    slot: Arc<Slot>,
}

/// An address with the namespaces in which pods have it.
#[derive(Clone, Debug)]
struct Pod {
    address: IpAddr,
    namespaces: SmallVec<[Arc<[u8]>; 1]>,
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
            owners: Shards::new(),
            digests: DefaultHashBuilder::default(),
            pods: Shards::new(),
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
                self.own(&slot, difference(&new, &old));
                slot.entry.store(Arc::new(entry));
                self.disown(&slot, difference(&old, &new));
            }
            None => {
                let slot = Arc::new(Slot {
                    name: name.clone(),
                    entry: ArcSwap::from_pointee(entry),
                });
                self.own(&slot, new.iter().copied());
                self.services.change(
                    &*name,
                    |slot| &*slot.name,
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
            &*slot.name,
            |slot| &*slot.name,
            |hash, part, _| {
                if let Ok(found) = part.find_entry(hash, |one| Arc::ptr_eq(one, &slot)) {
                    found.remove();
                }
            },
        );
        let old = slot.entry.load().sorted_addresses();
        self.disown(&slot, old.iter().copied());
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
        let namespace: Arc<[u8]> = namespace.to_ascii_lowercase().into_bytes().into();
        self.pods.change(
            &address,
            |pod| &pod.address,
            |hash, part, hasher| match part.find_mut(hash, |pod| pod.address == address) {
                Some(pod) => pod.namespaces.push(namespace),
                None => {
                    let namespaces = SmallVec::from_elem(namespace, 1);
                    let pod = Pod {
                        address,
                        namespaces,
                    };
                    part.insert_unique(hash, pod, hasher);
                }
            },
        );
    }

    /// Says that a pod in a namespace doesn't have an address any more.
    pub fn remove_pod(&self, namespace: &str, address: IpAddr) {
        let _writing = self.lock();
        let is_it = |one: &Arc<[u8]>| one.eq_ignore_ascii_case(namespace.as_bytes());
        self.pods.change(
            &address,
            |pod| &pod.address,
            |hash, part, _| {
                if let Ok(mut found) = part.find_entry(hash, |pod| pod.address == address) {
                    let namespaces = &mut found.get_mut().namespaces;
                    if let Some(at) = namespaces.iter().position(is_it) {
                        namespaces.remove(at);
                    }
                    if namespaces.is_empty() {
                        found.remove();
                    }
                }
            },
        );
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
        let (hash, part) = self.pods.read(&address);
        let pod = part.find(hash, |pod| pod.address == address)?;
        let first = pod.namespaces.first()?;
        let is_one = pod.namespaces.iter().all(|one| one == first);
        is_one.then(|| Arc::clone(first))
    }

    pub(crate) fn has_pod(&self, namespace: &[u8], address: IpAddr) -> bool {
        let (hash, part) = self.pods.read(&address);
        let pod = part.find(hash, |pod| pod.address == address);
        pod.is_some_and(|pod| pod.namespaces.iter().any(|one| **one == *namespace))
    }

    pub(crate) fn has_namespace(&self, name: &[u8]) -> bool {
        self.namespaces.load().contains(name)
    }

    /// The Service of a name in wire form without its end.
    #[inline]
    pub(crate) fn slot(&self, name: &[u8]) -> Option<Arc<Slot>> {
        let (hash, part) = self.services.read(name);
        part.find(hash, |slot| *slot.name == *name).cloned()
    }

    /// Works with what a Service is at this moment.
    #[inline]
    pub(crate) fn with_service<R>(
        &self,
        name: &[u8],
        work: impl FnOnce(&Slot, &ServiceEntry) -> R,
    ) -> Option<R> {
        let (hash, part) = self.services.read(name);
        let slot = part.find(hash, |slot| *slot.name == *name)?;
        Some(work(slot, &slot.entry.load()))
    }

    /// Works with the Services that have an address, in the order of their names.
    pub(crate) fn with_owners<R>(
        &self,
        address: IpAddr,
        work: impl FnOnce(&[Arc<Slot>]) -> R,
    ) -> Option<R> {
        let digest = self.digests.hash_one(address);
        let (hash, part) = self.owners.read(&digest);
        let alike = part.iter_hash(hash).filter(|one| one.digest == digest);
        let has_it = |one: &&Owner| one.slot.entry.load().has(address);
        let slots = alike.filter(has_it).map(|one| Arc::clone(&one.slot));
        let mut slots: SmallVec<[_; 2]> = slots.collect();
        slots.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        (!slots.is_empty()).then(|| work(&slots))
    }

    /// All Services of this moment in the order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        let mut all = Vec::new();
        self.services.for_each(|slot| all.push(Arc::clone(slot)));
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn own(&self, slot: &Arc<Slot>, addresses: impl Iterator<Item = IpAddr>) {
        for digest in addresses.map(|address| self.digests.hash_one(address)) {
            let owner = Owner {
                digest,
                slot: Arc::clone(slot),
            };
            self.owners.change(
                &digest,
                |owner| &owner.digest,
                |hash, part, hasher| {
                    part.insert_unique(hash, owner, hasher);
                },
            );
        }
    }

    fn disown(&self, slot: &Arc<Slot>, addresses: impl Iterator<Item = IpAddr>) {
        for digest in addresses.map(|address| self.digests.hash_one(address)) {
            let is_it = |one: &Owner| one.digest == digest && Arc::ptr_eq(&one.slot, slot);
            self.owners.change(
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
fn wire(key: &ServiceKey) -> Option<Box<[u8]>> {
    let mut name = LowerName::ROOT;
    name.push(key.name.as_bytes()).ok()?;
    name.push(key.namespace.as_bytes()).ok()?;
    let wire = name.as_wire();
    wire.get(..wire.len() - 1).map(Into::into)
}
