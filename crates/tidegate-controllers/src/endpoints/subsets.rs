//! Pods as the subsets of an Endpoints object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Pod, Service};

use crate::pods;
use crate::slices::ports::{protocol, target_port};
use crate::slices::{address_of, families, host_name, pod_reference, publishes_unready};

/// Subsets in canonical form, and whether addresses had to be left out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Subsets {
    pub(super) subsets: Vec<EndpointSubset>,
    pub(super) truncated: bool,
}

/// An address in the order in which lists are written: by IP, then by pod.
type AddressKey = (String, Option<String>);

/// Ports as one address serves them, by their canonical text.
#[derive(Default)]
struct Served {
    address: EndpointAddress,
    ready: bool,
    ports: BTreeMap<(String, String, i32), EndpointPort>,
}

/// The subsets for a Service: addresses that serve the same ports stand together.
///
/// Only the Service's primary address family is listed. Above `max_addresses`, ready ones are
/// kept before unready ones.
pub(super) fn subsets(service: &Service, pods: &[Arc<Pod>], max_addresses: usize) -> Subsets {
    let mut served: Vec<(AddressKey, Served)> = pods
        .iter()
        .filter_map(|pod| served_by(service, pod))
        .collect();
    served.sort_by(|a, b| (!a.1.ready, &a.0).cmp(&(!b.1.ready, &b.0)));
    let truncated = served.len() > max_addresses;
    served.truncate(max_addresses);

    let mut by_ports: BTreeMap<BTreeSet<(String, String, i32)>, EndpointSubset> = BTreeMap::new();
    for (_, one) in served {
        let subset = by_ports
            .entry(one.ports.keys().cloned().collect())
            .or_default();
        if !one.ports.is_empty() {
            subset.ports = Some(one.ports.into_values().collect());
        }
        let list = if one.ready {
            &mut subset.addresses
        } else {
            &mut subset.not_ready_addresses
        };
        list.get_or_insert_default().push(one.address);
    }
    Subsets {
        subsets: by_ports.into_values().collect(),
        truncated,
    }
}

fn served_by(service: &Service, pod: &Pod) -> Option<(AddressKey, Served)> {
    let publishes_unready = publishes_unready(service);
    if pods::is_finished(pod) || (pods::is_terminating(pod) && !publishes_unready) {
        return None;
    }
    let ip = address_of(pod, *families(service).first()?)?.to_string();
    let service_ports = service.spec.as_ref()?.ports.as_deref().unwrap_or_default();
    let ports: BTreeMap<_, _> = (service_ports.iter())
        .filter_map(|port| {
            let number = target_port(port, pod)?;
            let protocol = protocol(port.protocol.as_deref()).to_owned();
            let endpoint_port = EndpointPort {
                name: port.name.clone().filter(|name| !name.is_empty()),
                port: number,
                protocol: Some(protocol.clone()),
                app_protocol: port.app_protocol.clone(),
            };
            let key = (port.name.clone().unwrap_or_default(), protocol, number);
            Some((key, endpoint_port))
        })
        .collect();
    if ports.is_empty() && !service_ports.is_empty() {
        return None;
    }
    let served = Served {
        address: EndpointAddress {
            ip: ip.clone(),
            node_name: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
            target_ref: Some(pod_reference(pod)),
            hostname: host_name(service, pod),
        },
        ready: publishes_unready || pods::is_ready(pod),
        ports,
    };
    Some(((ip, pod.metadata.name.clone()), served))
}
