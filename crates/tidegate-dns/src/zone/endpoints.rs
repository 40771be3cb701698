//! The ready endpoints of one Service and the names that they have.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use tidegate_model::{Endpoint, EndpointPort, EndpointSlice};

/// Endpoints grouped by host name, and by the ports that they share.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    hosts: BTreeMap<Arc<str>, Host>,
    addresses: Vec<IpAddr>,
    groups: Vec<Group>,
}

/// One label below the Service's name. Several pods may share it.
#[derive(Debug)]
pub(super) struct Host {
    /// In lower case.
    pub(super) label: Arc<str>,
    /// Without repetitions.
    pub(super) addresses: Vec<IpAddr>,
}

/// The endpoints of one slice: all on the same ports.
#[derive(Debug)]
struct Group {
    ports: Vec<EndpointPort>,
    /// One host name for every endpoint.
    members: Vec<Arc<str>>,
}

impl Endpoints {
    pub(super) fn of<'a>(slices: impl IntoIterator<Item = &'a EndpointSlice>) -> Self {
        let mut endpoints = Self::default();
        let mut seen = HashSet::new();
        for slice in slices {
            let mut members = Vec::new();
            for endpoint in slice.endpoints.iter().filter(|endpoint| endpoint.ready) {
                let Some(label) = label(endpoint) else {
                    continue;
                };
                let label = endpoints.add(label.into(), endpoint.ip);
                members.push(label);
                if seen.insert(endpoint.ip) {
                    endpoints.addresses.push(endpoint.ip);
                }
            }
            if !members.is_empty() {
                endpoints.groups.push(Group {
                    ports: slice.ports.clone(),
                    members,
                });
            }
        }
        endpoints
    }

    fn add(&mut self, label: Arc<str>, address: IpAddr) -> Arc<str> {
        let host = self
            .hosts
            .entry(Arc::clone(&label))
            .or_insert_with(|| Host {
                label,
                addresses: Vec::new(),
            });
        if !host.addresses.contains(&address) {
            host.addresses.push(address);
        }
        Arc::clone(&host.label)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// Every address once.
    pub(super) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// The host with a name in lower case.
    pub(super) fn host(&self, label: &str) -> Option<&Host> {
        self.hosts.get(label)
    }

    /// One host name and port number for every endpoint and every one of its ports that is
    /// wanted, repetitions included.
    pub(super) fn places<'a>(
        &'a self,
        wanted: impl Fn(&EndpointPort) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Arc<str>, u16)> + 'a {
        self.groups.iter().flat_map(move |group| {
            let numbers: Vec<u16> = group
                .ports
                .iter()
                .filter(|port| wanted(port))
                .map(|port| port.port)
                .collect();
            group
                .members
                .iter()
                .flat_map(move |label| numbers.clone().into_iter().map(move |port| (label, port)))
        })
    }
}

/// The label of an endpoint: the host name that its pod asked for, else its address with dashes,
/// as CoreDNS spells it. `None` for what no name can hold.
fn label(endpoint: &Endpoint) -> Option<String> {
    let label = match &endpoint.hostname {
        Some(name) => name.to_ascii_lowercase(),
        None => dashed(endpoint.ip),
    };
    ((1..=63).contains(&label.len()) && !label.contains('.')).then_some(label)
}

/// No label may end in a dash, which `2001:db8::` would.
fn dashed(address: IpAddr) -> String {
    let mut label = address.to_string().replace(['.', ':'], "-");
    if label.ends_with('-') {
        label.push('0');
    }
    label
}

#[cfg(test)]
mod tests {
    use super::dashed;

    #[test]
    fn addresses_become_labels_as_coredns_spells_them() {
        let spell = |address: &str| dashed(address.parse().expect("an address"));
        assert_eq!(spell("172.0.0.2"), "172-0-0-2");
        assert_eq!(spell("5678:abcd::1"), "5678-abcd--1");
        assert_eq!(spell("2001:db8::"), "2001-db8--0");
    }
}
