//! Claims as keys of the store.

use std::{collections::HashSet, net::IpAddr};

use serde_json::{Value, json};
use tidegate_model::service_api::{ClaimChange, Claims};
use tidegate_store::{Expectation, Operation};
use uuid::Uuid;

use crate::{
    error::ApiError,
    kinds::{Kind, kinds},
    object,
    storage::{Objects, encode},
};

const ADDRESSES: &str = "/registry/networking.k8s.io/ipaddresses/";
const NODE_PORTS: &str = "/claims/nodeports/";

/// Claims of others that a request has met.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    addresses: HashSet<IpAddr>,
    node_ports: HashSet<u16>,
    met: usize,
}

/// After this many collisions the range is crowded, and reading all claims once is cheaper than
/// meeting them one by one.
const CROWDED: usize = 8;

impl Claims for Taken {
    fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }

    fn has_node_port(&self, port: u16) -> bool {
        self.node_ports.contains(&port)
    }
}

impl Taken {
    /// Notes that a key is there which was to be absent. False if it is no claim.
    pub(crate) async fn learn(&mut self, key: &str, objects: &Objects) -> Result<bool, ApiError> {
        if !self.insert(key) {
            return Ok(false);
        }
        self.met += 1;
        if self.met == CROWDED {
            for prefix in [ADDRESSES, NODE_PORTS] {
                for key in objects.keys(prefix).await? {
                    self.insert(&key);
                }
            }
        }
        Ok(true)
    }

    fn insert(&mut self, key: &str) -> bool {
        if let Some(address) = key
            .strip_prefix(ADDRESSES)
            .and_then(|text| text.parse().ok())
        {
            self.addresses.insert(address);
            true
        } else if let Some(port) = key
            .strip_prefix(NODE_PORTS)
            .and_then(|text| text.parse().ok())
        {
            self.node_ports.insert(port);
            true
        } else {
            false
        }
    }
}

/// What is to be stored along with a Service whose claims change.
///
/// Taking is conditional. Giving back is not: a claim is removed by nobody but its owner, whose
/// own change is conditional.
pub(crate) fn claim_operations(change: &ClaimChange, owner: &Value, now: &str) -> Vec<Operation> {
    let taken_addresses = change.taken_addresses.iter().map(|address| {
        let value = encode(&ip_address(*address, owner, now));
        Operation::put(format!("{ADDRESSES}{address}"), Expectation::Absent, value)
    });
    let released_addresses = change
        .released_addresses
        .iter()
        .map(|address| Operation::delete(format!("{ADDRESSES}{address}"), Expectation::Any));
    let taken_ports = change.taken_node_ports.iter().map(|port| {
        let value = json!({"service": reference(owner)}).to_string();
        Operation::put(format!("{NODE_PORTS}{port}"), Expectation::Absent, value)
    });
    let released_ports = change
        .released_node_ports
        .iter()
        .map(|port| Operation::delete(format!("{NODE_PORTS}{port}"), Expectation::Any));
    let mut operations: Vec<Operation> = released_addresses.chain(released_ports).collect();
    for taking in taken_addresses.chain(taken_ports) {
        // Released and taken again at once: the Service keeps what it has.
        if let Some(at) = operations
            .iter()
            .position(|operation| operation.key == taking.key)
        {
            operations.swap_remove(at);
        } else {
            operations.push(taking);
        }
    }
    operations.sort_by(|a, b| a.key.cmp(&b.key));
    operations.dedup_by(|a, b| a.key == b.key);
    operations
}

/// Refuses to let an IPAddress go that a Service has.
pub(crate) async fn check_address_unused(
    objects: &Objects,
    kind: &Kind,
    address: &Value,
) -> Result<(), ApiError> {
    let of_parent = |field: &str| object::text(address, &["spec", "parentRef", field]);
    let (namespace, name) = (of_parent("namespace"), of_parent("name"));
    let Some(services) = kinds().find("", "v1", of_parent("resource")) else {
        return Ok(());
    };
    let Some(service) = objects.get(services, namespace, name).await? else {
        return Ok(());
    };
    let held = services.rules.held_by(&service.object)?.released_addresses;
    let address_name = object::name(address);
    if held.iter().any(|held| held.to_string() == address_name) {
        let why = format!("the Service {namespace}/{name} has this address: delete that instead");
        return Err(ApiError::conflict(kind, address_name, why));
    }
    Ok(())
}

fn reference(owner: &Value) -> Value {
    json!({
        "group": "", "resource": "services",
        "namespace": object::text(owner, &["metadata", "namespace"]), "name": object::name(owner),
    })
}

fn ip_address(address: IpAddr, owner: &Value, now: &str) -> Value {
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
        "metadata": {
            "name": address.to_string(), "uid": Uuid::new_v4().to_string(), "creationTimestamp": now,
            "labels": {
                "ipaddress.kubernetes.io/ip-family": family,
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            },
        },
        "spec": {"parentRef": reference(owner)},
    })
}
