//! Endpoints: defaults and validation (core/v1, the form before EndpointSlices).

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints};

use super::addresses::{check_ip, check_not_special};
use super::formats::{dns_label, qualified_name};
use super::object_meta::{self, NameFormat, Scope};
use super::{Cause, FieldPath, Invalid, check_port_number, check_protocol};

const KIND: (&str, &str) = ("", "Endpoints");

/// Fills in the protocol of ports. Calling it again changes nothing.
pub fn defaults(endpoints: &mut Endpoints) {
    let subsets = endpoints.subsets.iter_mut().flatten();
    for port in subsets.flat_map(|subset| subset.ports.iter_mut().flatten()) {
        port.protocol.take_if(|protocol| protocol.is_empty());
        port.protocol.get_or_insert_with(|| "TCP".to_owned());
    }
}

/// Checks new Endpoints, after their defaults.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(endpoints: &Endpoints) -> Result<(), Invalid> {
    Invalid::unless_empty(KIND, endpoints.metadata.name.as_deref(), check(endpoints))
}

/// Checks changed Endpoints against what they were.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &Endpoints, new: &Endpoints) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn check(endpoints: &Endpoints) -> Vec<Cause> {
    let mut causes = object_meta::check(
        &endpoints.metadata,
        Scope::Namespaced,
        NameFormat::Subdomain,
    );
    let path = FieldPath::root("subsets");
    for (index, subset) in endpoints.subsets.iter().flatten().enumerate() {
        causes.extend(check_subset(&path.index(index), subset));
    }
    causes
}

fn check_subset(path: &FieldPath, subset: &EndpointSubset) -> Vec<Cause> {
    let ready = subset.addresses.as_deref().unwrap_or_default();
    let not_ready = subset.not_ready_addresses.as_deref().unwrap_or_default();
    let mut causes = Vec::new();
    if ready.is_empty() && not_ready.is_empty() {
        let detail = "must specify `addresses` or `notReadyAddresses`";
        causes.push(Cause::required(path, detail));
    }
    for (field, addresses) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
        let path = path.child(field);
        for (index, address) in addresses.iter().enumerate() {
            causes.extend(check_address(&path.index(index), address));
        }
    }
    let ports = subset.ports.as_deref().unwrap_or_default();
    for (index, port) in ports.iter().enumerate() {
        causes.extend(check_port(
            &path.child("ports").index(index),
            port,
            ports.len() > 1,
        ));
    }
    causes
}

fn check_address(path: &FieldPath, address: &EndpointAddress) -> Vec<Cause> {
    let ip_path = path.child("ip");
    let malformed = check_ip(&ip_path, &address.ip);
    let mut causes: Vec<Cause> = malformed
        .or_else(|| check_not_special(&ip_path, &address.ip))
        .into_iter()
        .collect();
    if let Some(name) = address.hostname.as_deref().filter(|name| !name.is_empty()) {
        let path = path.child("hostname");
        causes.extend(
            dns_label(name)
                .iter()
                .map(|fault| Cause::invalid(&path, name, fault)),
        );
    }
    causes
}

fn check_port(path: &FieldPath, port: &EndpointPort, needs_name: bool) -> Vec<Cause> {
    let name_path = path.child("name");
    let mut causes = Vec::new();
    match port.name.as_deref().unwrap_or_default() {
        "" if needs_name => causes.push(Cause::required(&name_path, "")),
        "" => {}
        name => {
            let faults = dns_label(name);
            causes.extend(
                faults
                    .iter()
                    .map(|fault| Cause::invalid(&name_path, name, fault)),
            );
        }
    }
    causes.extend(check_port_number(&path.child("port"), port.port));
    causes.extend(check_protocol(
        &path.child("protocol"),
        port.protocol.as_deref(),
    ));
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
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_must_lead_somewhere() {
        let mut endpoints: Endpoints = serde_json::from_value(json!({
            "metadata": {"name": "x", "namespace": "default"},
            "subsets": [
                {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 80}]},
                {"ports": [{"port": 80}, {"name": "b", "port": 0}]},
            ],
        }))
        .expect("Endpoints");
        defaults(&mut endpoints);
        assert_eq!(
            validate_create(&endpoints)
                .expect_err("refused")
                .to_string(),
            "Endpoints \"x\" is invalid: [subsets[0].addresses[0].ip: Invalid value: \
             \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128), subsets[1]: \
             Required value: must specify `addresses` or `notReadyAddresses`, \
             subsets[1].ports[0].name: Required value, subsets[1].ports[1].port: Invalid value: \
             0: must be between 1 and 65535, inclusive]"
        );
    }
}
