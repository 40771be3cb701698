//! All Services and slices at one moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::packed::Packed;
use crate::{EndpointSlice, Service, ServiceKey, SliceKey};

/// What the proxy and the DNS server answer from: every Service with its slices, and the names of
/// the namespaces.
///
/// Changing one object costs the same whatever else is here. What is in it is held small, and made
/// anew for everyone who asks.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By the namespaces of Services and slices, whether those are known to exist or not.
    objects: BTreeMap<Box<str>, Objects>,
    namespaces: BTreeSet<String>,
}

/// The objects of one namespace.
#[derive(Clone, Debug, Default)]
struct Objects {
    services: BTreeMap<Box<str>, Parts>,
    /// The Service that each slice belongs to.
    owners: BTreeMap<Box<str>, Box<str>>,
}

/// A Service, which may not exist, and the slices of its name, in the order of theirs.
#[derive(Clone, Debug, Default)]
struct Parts {
    service: Option<Packed<Service>>,
    slices: Vec<(Box<str>, Packed<EndpointSlice>)>,
}

impl Snapshot {
    /// A Service by its name.
    pub fn service(&self, key: &ServiceKey) -> Option<Service> {
        self.parts(key)?.service.as_ref().map(Packed::get)
    }

    /// The slices of a Service in the order of their names; they may exist without the Service.
    pub fn slices(&self, key: &ServiceKey) -> impl Iterator<Item = EndpointSlice> {
        let parts = self.parts(key).into_iter();
        parts.flat_map(|parts| parts.slices.iter().map(|(_, slice)| slice.get()))
    }

    /// Every Service that exists or that slices are there for, in the order of their names.
    pub fn keys(&self) -> impl Iterator<Item = ServiceKey> {
        self.objects.iter().flat_map(|(namespace, objects)| {
            let names = objects.services.keys();
            names.map(move |name| ServiceKey::new(namespace.clone(), name.clone()))
        })
    }

    /// Every slice.
    pub fn slice_keys(&self) -> impl Iterator<Item = SliceKey> {
        self.objects.iter().flat_map(|(namespace, objects)| {
            let names = objects.owners.keys();
            names.map(move |name| SliceKey {
                namespace: namespace.to_string(),
                name: name.to_string(),
            })
        })
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
    pub fn set_service(&mut self, service: &Service) -> bool {
        let parts = self.parts_mut(&service.key);
        let new = Some(Packed::new(service));
        if parts.service == new {
            return false;
        }
        parts.service = new;
        true
    }

    /// Forgets a Service; says whether it was there.
    pub fn remove_service(&mut self, key: &ServiceKey) -> bool {
        let parts = self.existing_mut(key);
        let was_there = parts.is_some_and(|parts| parts.service.take().is_some());
        self.tidy(key);
        was_there
    }

    /// Puts a slice in place and gives the Services whose endpoints that changed: none if it is
    /// equal to the old one, two if the slice moved from one Service to another.
    pub fn set_slice(&mut self, slice: &EndpointSlice) -> Vec<ServiceKey> {
        let mut changed = Vec::new();
        match self.owner(&slice.key) {
            Some(owner) if owner != slice.service => changed.extend(self.remove_slice(&slice.key)),
            _ => {}
        }
        let new = Packed::new(slice);
        let slices = &mut self.parts_mut(&slice.service).slices;
        match slices.binary_search_by(|(name, _)| (**name).cmp(&slice.key.name)) {
            Ok(place) if slices[place].1 == new => return changed,
            Ok(place) => slices[place].1 = new,
            Err(place) => {
                slices.reserve_exact(1);
                slices.insert(place, (slice.key.name.as_str().into(), new));
                let objects = self.objects.entry(slice.key.namespace.as_str().into());
                let owners = &mut objects.or_default().owners;
                owners.insert(
                    slice.key.name.as_str().into(),
                    slice.service.name.as_str().into(),
                );
            }
        }
        changed.push(slice.service.clone());
        changed
    }

    /// Forgets a slice and gives the Service that lost it.
    pub fn remove_slice(&mut self, key: &SliceKey) -> Option<ServiceKey> {
        let objects = self.objects.get_mut(key.namespace.as_str())?;
        let owner = objects.owners.remove(key.name.as_str())?;
        let owner = ServiceKey::new(key.namespace.clone(), owner);
        if let Some(parts) = self.existing_mut(&owner) {
            parts.slices.retain(|(name, _)| **name != *key.name);
        }
        self.tidy(&owner);
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

    fn owner(&self, slice: &SliceKey) -> Option<ServiceKey> {
        let objects = self.objects.get(slice.namespace.as_str())?;
        let owner = objects.owners.get(slice.name.as_str())?;
        Some(ServiceKey::new(slice.namespace.clone(), owner.clone()))
    }

    fn parts(&self, key: &ServiceKey) -> Option<&Parts> {
        let objects = self.objects.get(key.namespace.as_str())?;
        objects.services.get(key.name.as_str())
    }

    fn existing_mut(&mut self, key: &ServiceKey) -> Option<&mut Parts> {
        let objects = self.objects.get_mut(key.namespace.as_str())?;
        objects.services.get_mut(key.name.as_str())
    }

    fn parts_mut(&mut self, key: &ServiceKey) -> &mut Parts {
        let objects = self.objects.entry(key.namespace.as_str().into());
        let services = &mut objects.or_default().services;
        services.entry(key.name.as_str().into()).or_default()
    }

    /// Leaves nothing behind where nothing is any more.
    fn tidy(&mut self, key: &ServiceKey) {
        let Some(objects) = self.objects.get_mut(key.namespace.as_str()) else {
            return;
        };
        let is_empty = |parts: &Parts| parts.service.is_none() && parts.slices.is_empty();
        if objects
            .services
            .get(key.name.as_str())
            .is_some_and(is_empty)
        {
            objects.services.remove(key.name.as_str());
        }
        if objects.services.is_empty() {
            self.objects.remove(key.namespace.as_str());
        }
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
            snapshot.set_slice(&slice("a", "web")),
            [ServiceKey::new("default", "web")]
        );
        assert!(snapshot.set_slice(&slice("a", "web")).is_empty());
    }

    #[test]
    fn a_slice_that_moves_changes_both_services() {
        let mut snapshot = Snapshot::default();
        snapshot.set_slice(&slice("a", "old"));
        let changed = snapshot.set_slice(&slice("a", "new"));
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
        snapshot.set_slice(&slice("a", "web"));
        assert_eq!(
            snapshot.remove_slice(&key),
            Some(ServiceKey::new("default", "web"))
        );
        assert_eq!(snapshot.keys().count(), 0);
        assert_eq!(snapshot.remove_slice(&key), None);
    }

    #[test]
    fn what_is_put_in_is_what_comes_out() {
        let service = serde_json::json!({
            "metadata": {"namespace": "default", "name": "web", "annotations": {"tidegate.dev/scheduler": "lc"}},
            "spec": {
                "type": "LoadBalancer", "clusterIPs": ["10.96.0.7", "fd00:96::7"], "externalIPs": ["192.0.2.7"],
                "ports": [{"name": "http", "port": 80, "nodePort": 30080}, {"name": "dns", "protocol": "UDP", "port": 53}],
                "loadBalancerSourceRanges": ["198.51.100.0/24"], "sessionAffinity": "ClientIP",
                "externalTrafficPolicy": "Local", "healthCheckNodePort": 30081
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}
        });
        let service = serde_json::from_value(service).expect("a Service");
        let service = Service::from_api(&service).expect("a name");
        let slice = serde_json::json!({
            "metadata": {"namespace": "default", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv6", "ports": [{"name": "http", "port": 8080}],
            "endpoints": [{
                "addresses": ["fd00:244::2"], "conditions": {"ready": false, "serving": true, "terminating": true},
                "nodeName": "node-1", "zone": "a", "hostname": "web-0",
                "targetRef": {"kind": "Pod", "name": "web-0"},
                "hints": {"forZones": [{"name": "a"}, {"name": "b"}], "forNodes": [{"name": "node-1"}]}
            }]
        });
        let slice = serde_json::from_value(slice).expect("a slice");
        let slice = EndpointSlice::from_api(&slice).expect("names a Service");
        let mut snapshot = Snapshot::default();
        snapshot.set_service(&service);
        snapshot.set_slice(&slice);
        assert_eq!(snapshot.service(&service.key), Some(service.clone()));
        assert_eq!(snapshot.slices(&service.key).collect::<Vec<_>>(), [slice]);
        assert!(snapshot.remove_service(&service.key) && !snapshot.remove_service(&service.key));
        assert_eq!(snapshot.service(&service.key), None);
        assert_eq!(
            snapshot.keys().collect::<Vec<_>>(),
            [service.key],
            "the slice is still there"
        );
    }
}
