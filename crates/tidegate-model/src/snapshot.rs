//! All Services and slices at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{EndpointSlice, Service, ServiceKey, SliceKey};

/// What the proxy and the DNS server answer from: every Service with its slices, and the names of
/// the namespaces.
///
/// Changing one object costs the same whatever else is here.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    services: BTreeMap<ServiceKey, Arc<Service>>,
    slices: BTreeMap<ServiceKey, BTreeMap<String, Arc<EndpointSlice>>>,
    slice_owners: BTreeMap<SliceKey, ServiceKey>,
    namespaces: BTreeSet<String>,
}

impl Snapshot {
    /// A Service by its name.
    pub fn service(&self, key: &ServiceKey) -> Option<&Arc<Service>> {
        self.services.get(key)
    }

    /// All Services in the order of their names.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    /// The slices of a Service in the order of their names; they may exist without the Service.
    pub fn slices(&self, key: &ServiceKey) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        self.slices.get(key).into_iter().flat_map(BTreeMap::values)
    }

    /// Every Service that exists or that slices are there for.
    pub fn keys(&self) -> impl Iterator<Item = &ServiceKey> {
        let orphans = self
            .slices
            .keys()
            .filter(|key| !self.services.contains_key(*key));
        self.services.keys().chain(orphans)
    }

    /// Whether a namespace exists.
    pub fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// The names of all namespaces.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }

    /// Puts a Service in place of what was there under its name; says whether that changed anything.
    pub fn set_service(&mut self, service: Service) -> bool {
        if self
            .services
            .get(&service.key)
            .is_some_and(|old| **old == service)
        {
            return false;
        }
        self.services.insert(service.key.clone(), Arc::new(service));
        true
    }

    /// Forgets a Service; says whether it was there.
    pub fn remove_service(&mut self, key: &ServiceKey) -> bool {
        self.services.remove(key).is_some()
    }

    /// Puts a slice in place and gives the Services whose endpoints that changed: none if it is
    /// equal to the old one, two if the slice moved from one Service to another.
    pub fn set_slice(&mut self, slice: EndpointSlice) -> Vec<ServiceKey> {
        let mut changed = Vec::new();
        match self.slice_owners.get(&slice.key) {
            Some(owner) if *owner != slice.service => changed.extend(self.remove_slice(&slice.key)),
            _ => {}
        }
        let of_service = self.slices.entry(slice.service.clone()).or_default();
        if of_service
            .get(&slice.key.name)
            .is_none_or(|old| **old != slice)
        {
            changed.push(slice.service.clone());
            self.slice_owners
                .insert(slice.key.clone(), slice.service.clone());
            of_service.insert(slice.key.name.clone(), Arc::new(slice));
        }
        changed
    }

    /// Forgets a slice and gives the Service that lost it.
    pub fn remove_slice(&mut self, key: &SliceKey) -> Option<ServiceKey> {
        let owner = self.slice_owners.remove(key)?;
        if let Some(of_service) = self.slices.get_mut(&owner) {
            of_service.remove(&key.name);
            if of_service.is_empty() {
                self.slices.remove(&owner);
            }
        }
        Some(owner)
    }

    /// Adds a namespace; says whether it is new.
    pub fn add_namespace(&mut self, name: &str) -> bool {
        self.namespaces.insert(name.to_owned())
    }

    /// Forgets a namespace; says whether it was there.
    pub fn remove_namespace(&mut self, name: &str) -> bool {
        self.namespaces.remove(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IpFamily;

    fn slice(name: &str, service: &str) -> EndpointSlice {
        EndpointSlice {
            key: SliceKey {
                namespace: "default".to_owned(),
                name: name.to_owned(),
            },
            service: ServiceKey::new("default", service),
            family: IpFamily::V4,
            headless: false,
            ports: Vec::new(),
            endpoints: Vec::new(),
        }
    }

    #[test]
    fn an_equal_slice_changes_nothing() {
        let mut snapshot = Snapshot::default();
        assert_eq!(
            snapshot.set_slice(slice("a", "web")),
            [ServiceKey::new("default", "web")]
        );
        assert!(snapshot.set_slice(slice("a", "web")).is_empty());
    }

    #[test]
    fn a_slice_that_moves_changes_both_services() {
        let mut snapshot = Snapshot::default();
        snapshot.set_slice(slice("a", "old"));
        let changed = snapshot.set_slice(slice("a", "new"));
        assert_eq!(
            changed,
            [
                ServiceKey::new("default", "old"),
                ServiceKey::new("default", "new")
            ]
        );
        assert_eq!(
            snapshot.slices(&ServiceKey::new("default", "old")).count(),
            0
        );
    }

    #[test]
    fn removing_the_last_slice_leaves_no_trace() {
        let mut snapshot = Snapshot::default();
        let key = slice("a", "web").key;
        snapshot.set_slice(slice("a", "web"));
        assert_eq!(
            snapshot.remove_slice(&key),
            Some(ServiceKey::new("default", "web"))
        );
        assert_eq!(snapshot.keys().count(), 0);
        assert_eq!(snapshot.remove_slice(&key), None);
    }
}
