//! Everything that names can lead to, ready to be looked up.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use tidegate_model::ServiceKey;

use super::reverse_index::{OwnedAddresses, Owner, ReverseIndex};
use super::service_entry::ServiceEntry;

/// The cluster's Services by name and by address, and its namespaces.
///
/// Replacing one Service costs what that Service is in size, whatever else is here.
#[derive(Debug, Default)]
pub(crate) struct ZoneIndex {
    synced: bool,
    serial: u32,
    namespaces: HashSet<String>,
    services: HashMap<String, HashMap<String, ServiceEntry>>,
    reverse: ReverseIndex,
}

impl ZoneIndex {
    /// Puts a Service in place of what was there under its name.
    pub(crate) fn set(&mut self, entry: ServiceEntry) {
        let key = Arc::clone(&entry.key);
        let in_namespace = self.services.entry(key.namespace.clone()).or_default();
        let old = in_namespace.remove(&key.name);
        let old_owners = old.map(|old| old.owners).unwrap_or_default();
        self.reverse.replace(&old_owners, &entry.owners);
        in_namespace.insert(key.name.clone(), entry);
    }

    /// Forgets a Service; one that isn't there is no mistake.
    pub(crate) fn remove(&mut self, key: &ServiceKey) {
        let Some(in_namespace) = self.services.get_mut(&key.namespace) else {
            return;
        };
        if let Some(old) = in_namespace.remove(&key.name) {
            self.reverse.replace(&old.owners, &OwnedAddresses::new());
        }
        if in_namespace.is_empty() {
            self.services.remove(&key.namespace);
        }
    }

    pub(crate) fn set_namespaces(&mut self, names: HashSet<String>) {
        self.namespaces = names;
    }

    /// Says that everything known so far is in, at this version of the zone (seconds since 1970,
    /// the serial number of the SOA record).
    pub(crate) fn publish(&mut self, serial: u32) {
        self.serial = serial;
        self.synced = true;
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced
    }

    pub(super) fn serial(&self) -> u32 {
        self.serial
    }

    pub(super) fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&ServiceEntry> {
        self.services.get(namespace)?.get(name)
    }

    /// Whoever has an address, those with a virtual one first.
    pub(super) fn owners(&self, address: IpAddr) -> impl Iterator<Item = &Owner> {
        self.reverse.owners(address)
    }
}
