//! A cluster in memory for the tests of this module: it stores Services and what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::{
    AddressRange, Allocator, ClaimChange, Claims, PortRange, Rejection, ServiceNetwork, create,
    held_by, update, update_status,
};

/// Stores Services the way the API server does: object and claims together, or neither.
pub(super) struct TestCluster {
    network: ServiceNetwork,
    services: BTreeMap<String, Service>,
    held: Held,
    draws: u64,
}

#[derive(Default)]
struct Held {
    addresses: BTreeSet<IpAddr>,
    node_ports: BTreeSet<u16>,
}

impl Claims for Held {
    fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }

    fn has_node_port(&self, port: u16) -> bool {
        self.node_ports.contains(&port)
    }
}

impl TestCluster {
    /// The cluster that upstream's answers were recorded on: 10.96.0.0/16, ports 30000-32767.
    pub(super) fn single_stack() -> Self {
        Self::with_ranges(&["10.96.0.0/16"])
    }

    pub(super) fn dual_stack() -> Self {
        Self::with_ranges(&["10.96.0.0/16", "fd00:96::/112"])
    }

    pub(super) fn with_ranges(ranges: &[&str]) -> Self {
        let mut ranges: Vec<AddressRange> = ranges
            .iter()
            .map(|range| AddressRange::new(range.parse().expect("a network")).expect("a range"))
            .collect();
        let primary = ranges.remove(0);
        Self {
            network: ServiceNetwork::new(primary, ranges, PortRange::default()),
            services: BTreeMap::new(),
            held: Held::default(),
            draws: 0,
        }
    }

    /// Creates a Service `x` in namespace `default` unless `service` has other metadata.
    pub(super) fn create(&mut self, service: Value) -> Result<Value, Rejection> {
        self.create_as(service, false)
    }

    pub(super) fn dry_run(&mut self, service: Value) -> Result<Value, Rejection> {
        self.create_as(service, true)
    }

    fn create_as(&mut self, service: Value, dry_run: bool) -> Result<Value, Rejection> {
        let mut service = decode(service);
        let mut draws = self.draws;
        let mut random = |bound: u64| next(&mut draws) % bound;
        let mut allocator = Allocator {
            network: &self.network,
            claims: &self.held,
            random: &mut random,
            dry_run,
        };
        let change = create(&mut service, &mut allocator)?;
        self.draws = draws;
        if !dry_run {
            self.store(&service, &change);
        }
        Ok(json!(service))
    }

    /// Replaces a Service by the result of `edit`, as a client that read it first does.
    pub(super) fn edit(
        &mut self,
        name: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Value, Rejection> {
        let old = self.services[name].clone();
        let mut value = json!(old);
        edit(&mut value);
        let mut new = decode(value);
        let mut draws = self.draws;
        let mut random = |bound: u64| next(&mut draws) % bound;
        let mut allocator = Allocator {
            network: &self.network,
            claims: &self.held,
            random: &mut random,
            dry_run: false,
        };
        let change = update(&old, &mut new, &mut allocator)?;
        self.draws = draws;
        self.store(&new, &change);
        Ok(json!(new))
    }

    pub(super) fn set_ingress(&mut self, name: &str, ingress: Value) -> Result<Value, Rejection> {
        let old = self.services[name].clone();
        let mut value = json!(old);
        value["status"] = json!({"loadBalancer": {"ingress": ingress}});
        let mut new = decode(value);
        update_status(&old, &mut new)?;
        self.store(&new, &ClaimChange::default());
        Ok(json!(new))
    }

    pub(super) fn delete(&mut self, name: &str) {
        let service = self.services.remove(name).expect("a stored Service");
        self.apply(&held_by(&service));
    }

    /// Addresses and node ports that are held by anyone.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.held.addresses.len(), self.held.node_ports.len())
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.services.keys().cloned().collect()
    }

    /// Checks that exactly what the Services hold is held.
    pub(super) fn assert_nothing_leaked(&self) {
        let mut expected = Held::default();
        for service in self.services.values() {
            let held = held_by(service);
            expected.addresses.extend(held.released_addresses);
            expected.node_ports.extend(held.released_node_ports);
        }
        assert_eq!(self.held.addresses, expected.addresses);
        assert_eq!(self.held.node_ports, expected.node_ports);
    }

    fn store(&mut self, service: &Service, change: &ClaimChange) {
        self.apply(change);
        let name = service.metadata.name.clone().expect("a name");
        self.services.insert(name, service.clone());
    }

    fn apply(&mut self, change: &ClaimChange) {
        for address in &change.released_addresses {
            assert!(self.held.addresses.remove(address), "{address} was held");
        }
        for port in &change.released_node_ports {
            assert!(self.held.node_ports.remove(port), "{port} was held");
        }
        for address in &change.taken_addresses {
            assert!(self.held.addresses.insert(*address), "{address} was free");
        }
        for port in &change.taken_node_ports {
            assert!(self.held.node_ports.insert(*port), "{port} was free");
        }
    }
}

/// A small generator of numbers that look random enough (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn decode(value: Value) -> Service {
    let mut service: Service = serde_json::from_value(value).expect("a Service");
    service.metadata.name.get_or_insert_with(|| "x".to_owned());
    service
        .metadata
        .namespace
        .get_or_insert_with(|| "default".to_owned());
    service
}
