//! The cluster whose names are asked for: every second Service is headless.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

/// As many as the range of cluster addresses has room for, and a few to spare.
pub(crate) const MOST_SERVICES: u32 = 50_000;

/// As many as a slice holds.
pub(crate) const MOST_ENDPOINTS: u32 = 100;

/// The names of the port that every Service has.
pub(crate) const PORT: &str = "http";

/// How many Services there are, and how many endpoints each of them has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) services: u32,
    pub(crate) endpoints: u32,
}

/// A Service's name.
pub(crate) fn name(service: u32) -> String {
    format!("service-{service:05}")
}

/// The name that a Service's pods are found by; with the dot at its end.
pub(crate) fn domain_name(service: u32) -> String {
    format!("{}.default.svc.cluster.local.", name(service))
}

pub(crate) fn is_headless(service: u32) -> bool {
    service % 2 == 1
}

/// The address of an endpoint. No two share one, and nobody has it.
pub(crate) fn address(size: Size, service: u32, endpoint: u32) -> Ipv4Addr {
    let number = service * size.endpoints + endpoint;
    // Nothing ends in 0 or 255.
    let octet = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
    Ipv4Addr::new(
        10,
        octet(128 + number / 62_500),
        octet(number / 250 % 250),
        octet(number % 250 + 1),
    )
}

/// The addresses of a Service's endpoints.
pub(crate) fn addresses(size: Size, service: u32) -> Vec<Ipv4Addr> {
    (0..size.endpoints)
        .map(|endpoint| address(size, service, endpoint))
        .collect()
}

/// A Service as the API takes it.
pub(crate) fn service(name: &str, is_headless: bool) -> Value {
    let mut spec = json!({"ports": [{"name": PORT, "port": 80}]});
    if is_headless {
        spec["clusterIP"] = "None".into();
    }
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

/// A Service's only slice as the API takes it.
pub(crate) fn slice(service: &str, addresses: &[Ipv4Addr]) -> Value {
    let endpoint =
        |address: &Ipv4Addr| json!({"addresses": [address], "conditions": {"ready": true}});
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": PORT, "port": 8080, "protocol": "TCP"}],
        "endpoints": addresses.iter().map(endpoint).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_endpoints_share_an_address_and_all_are_in_one_reverse_zone() {
        let size = Size {
            services: 10_000,
            endpoints: 10,
        };
        let all: Vec<Ipv4Addr> = (0..size.services)
            .flat_map(|service| addresses(size, service))
            .collect();
        assert_eq!(all.len(), 100_000);
        assert!(all.iter().all(|address| address.octets()[0] == 10));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
