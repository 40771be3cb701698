//! EndpointSlices: defaults and validation (discovery.k8s.io/v1).

use std::collections::BTreeSet;

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use super::addresses::{check_ip, check_not_special, family_of};
use super::formats::{dns_label, dns_subdomain, qualified_name};
use super::object_meta::{self, NameFormat, Scope, immutable};
use super::{Cause, FieldPath, Invalid, check_port_number, check_protocol};
use crate::IpFamily;

/// The most endpoints, addresses of one endpoint, and ports that a slice may have.
const ENDPOINTS: usize = 1000;
const ADDRESSES: usize = 100;
const PORTS: usize = 20_000;
/// The most zones and nodes that an endpoint's hints may name.
const HINTS: usize = 8;

const KIND: (&str, &str) = ("discovery.k8s.io", "EndpointSlice");

/// Fills in name and protocol of ports. Calling it again changes nothing.
pub fn defaults(slice: &mut EndpointSlice) {
    for port in slice.ports.iter_mut().flatten() {
        port.name.get_or_insert_default();
        port.protocol.take_if(|protocol| protocol.is_empty());
        port.protocol.get_or_insert_with(|| "TCP".to_owned());
    }
}

/// Checks a new slice, after its defaults.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(slice: &EndpointSlice) -> Result<(), Invalid> {
    Invalid::unless_empty(KIND, slice.metadata.name.as_deref(), check(slice))
}

/// Checks a changed slice against what it was: its address type stays.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &EndpointSlice, new: &EndpointSlice) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    if old.address_type != new.address_type {
        let path = FieldPath::root("addressType");
        causes.push(immutable(&path, new.address_type.clone().into()));
    }
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn check(slice: &EndpointSlice) -> Vec<Cause> {
    let mut causes = object_meta::check(&slice.metadata, Scope::Namespaced, NameFormat::Subdomain);
    let types = ["FQDN", "IPv4", "IPv6"];
    let address_type = slice.address_type.as_str();
    let type_path = FieldPath::root("addressType");
    match address_type {
        "" => causes.push(Cause::required(&type_path, "")),
        known if types.contains(&known) => {}
        other => causes.push(Cause::unsupported(&type_path, other, &types)),
    }
    let path = FieldPath::root("endpoints");
    let endpoints = slice.endpoints.as_deref().unwrap_or_default();
    if endpoints.len() > ENDPOINTS {
        // One fault says it all; thousands of others would only hide it.
        causes.push(Cause::too_many(&path, endpoints.len(), ENDPOINTS));
    } else {
        for (index, endpoint) in endpoints.iter().enumerate() {
            causes.extend(check_endpoint(&path.index(index), endpoint, address_type));
        }
    }
    causes.extend(check_ports(slice));
    causes
}

fn check_endpoint(path: &FieldPath, endpoint: &Endpoint, address_type: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let addresses = &endpoint.addresses;
    let list = path.child("addresses");
    if addresses.is_empty() {
        causes.push(Cause::required(
            &list,
            "must contain at least 1 endpoint address",
        ));
    } else if addresses.len() > ADDRESSES {
        causes.push(Cause::too_many(&list, addresses.len(), ADDRESSES));
    } else {
        for (index, address) in addresses.iter().enumerate() {
            causes.extend(check_address(&list.index(index), address, address_type));
        }
    }
    if let Some(name) = endpoint.hostname.as_deref() {
        let path = path.child("hostname");
        causes.extend(
            dns_label(name)
                .iter()
                .map(|fault| Cause::invalid(&path, name, fault)),
        );
    }
    if let Some(name) = endpoint.node_name.as_deref() {
        let path = path.child("nodeName");
        causes.extend(
            dns_subdomain(name)
                .iter()
                .map(|fault| Cause::invalid(&path, name, fault)),
        );
    }
    if let Some(hints) = &endpoint.hints {
        let path = path.child("hints");
        let counts = [
            ("forZones", hints.for_zones.as_ref().map_or(0, Vec::len)),
            ("forNodes", hints.for_nodes.as_ref().map_or(0, Vec::len)),
        ];
        let too_many = counts.into_iter().filter(|(_, count)| *count > HINTS);
        causes.extend(
            too_many.map(|(field, count)| Cause::too_many(&path.child(field), count, HINTS)),
        );
    }
    causes
}

fn check_address(path: &FieldPath, address: &str, address_type: &str) -> Vec<Cause> {
    let (family, complaint) = match address_type {
        "IPv4" => (IpFamily::V4, "must be a valid IPv4 address"),
        "IPv6" => (IpFamily::V6, "must be a valid IPv6 address"),
        "FQDN" => {
            let faults = dns_subdomain(address);
            return faults
                .iter()
                .map(|fault| Cause::invalid(path, address, fault))
                .collect();
        }
        _ => return Vec::new(),
    };
    let malformed = check_ip(path, address).or_else(|| {
        (family_of(address) != Some(family)).then(|| Cause::invalid(path, address, complaint))
    });
    malformed
        .or_else(|| check_not_special(path, address))
        .into_iter()
        .collect()
}

fn check_ports(slice: &EndpointSlice) -> Vec<Cause> {
    let path = FieldPath::root("ports");
    let ports = slice.ports.as_deref().unwrap_or_default();
    if ports.len() > PORTS {
        return vec![Cause::too_many(&path, ports.len(), PORTS)];
    }
    let mut names = BTreeSet::new();
    let mut causes = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = port.name.as_deref().unwrap_or_default();
        if !names.insert(name) {
            causes.push(Cause::duplicate(&path.child("name"), name));
        }
        causes.extend(check_port(&path, port, name));
    }
    causes
}

fn check_port(path: &FieldPath, port: &EndpointPort, name: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    if !name.is_empty() {
        let path = path.child("name");
        causes.extend(
            dns_label(name)
                .iter()
                .map(|fault| Cause::invalid(&path, name, fault)),
        );
    }
    causes.extend(check_protocol(
        &path.child("protocol"),
        port.protocol.as_deref(),
    ));
    if let Some(number) = port.port {
        causes.extend(check_port_number(&path.child("port"), number));
    }
    if let Some(protocol) = port.app_protocol.as_deref() {
        let path = path.child("appProtocol");
        let faults = qualified_name(protocol);
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, protocol, fault)),
        );
    }
    causes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn slice(extra: Value) -> EndpointSlice {
        let mut value = json!({
            "metadata": {"name": "x", "namespace": "default"}, "addressType": "IPv4",
        });
        for (field, field_value) in extra.as_object().expect("an object") {
            value[field] = field_value.clone();
        }
        let mut slice = serde_json::from_value(value).expect("an EndpointSlice");
        defaults(&mut slice);
        slice
    }

    fn refusal(extra: Value) -> String {
        let refused = validate_create(&slice(extra))
            .expect_err("refused")
            .to_string();
        let prefix = "EndpointSlice.discovery.k8s.io \"x\" is invalid: ";
        refused
            .strip_prefix(prefix)
            .expect("the kind and its group")
            .to_owned()
    }

    #[test]
    fn endpoints_are_limited_and_of_the_slices_family() {
        let endpoints = |addresses: Value| json!({"endpoints": [{"addresses": addresses}]});
        assert_eq!(
            validate_create(&slice(endpoints(json!(["10.0.0.1"])))),
            Ok(())
        );
        assert_eq!(
            refusal(endpoints(json!([]))),
            "endpoints[0].addresses: Required value: must contain at least 1 endpoint address"
        );
        assert_eq!(
            refusal(endpoints(json!(["fd00::1"]))),
            "endpoints[0].addresses[0]: Invalid value: \"fd00::1\": must be a valid IPv4 address"
        );
        let many = vec![json!({"addresses": ["10.0.0.1"]}); 1001];
        assert_eq!(
            refusal(json!({"endpoints": many})),
            "endpoints: Too many: 1001: must have at most 1000 items"
        );
    }

    #[test]
    fn ports_have_different_names() {
        assert_eq!(
            refusal(json!({"ports": [{"port": 80}, {"port": 81}]})),
            "ports[1].name: Duplicate value: \"\""
        );
        assert!(refusal(json!({"ports": [{"port": 0}]})).starts_with("ports[0].port: Invalid"));
    }

    #[test]
    fn the_address_type_stays() {
        let mut new = slice(json!({}));
        new.address_type = "IPv6".into();
        let refused = validate_update(&slice(json!({})), &new)
            .expect_err("refused")
            .to_string();
        assert!(refused.ends_with("addressType: Invalid value: \"IPv6\": field is immutable"));
    }
}
