//! Cluster IPs and node ports for imagined Services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::Context;
use k8s_openapi::api::core::v1::Service;
use tidegate_model::service_api::{
    self, AddressRange, Allocator, Claims, PortRange, Rejection, ServiceNetwork,
};

/// What the Services so far hold, in the ranges that `tidegate up` has.
pub(crate) struct Allocations {
    network: ServiceNetwork,
    held: Held,
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

impl Allocations {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let range = AddressRange::new("10.96.0.0/16".parse()?).context("the service range")?;
        Ok(Self {
            network: ServiceNetwork::new(range, Vec::new(), PortRange::default()),
            held: Held::default(),
        })
    }

    /// Defaults, completes and validates a Service as the API server does, and says what it was
    /// given without having asked for it.
    pub(crate) fn admit(&mut self, service: &mut Service) -> Result<Vec<String>, Rejection> {
        let asked = service.spec.clone().unwrap_or_default();
        let mut allocator = Allocator {
            network: &self.network,
            claims: &self.held,
            // The first free one instead of any: the same manifests give the same program.
            random: &mut |_| 0,
            dry_run: false,
        };
        let taken = service_api::create(service, &mut allocator)?;
        let name = service.metadata.name.clone().unwrap_or_default();
        let mut assumed = Vec::new();
        for address in &taken.taken_addresses {
            if asked.cluster_ip.as_deref() != Some(&address.to_string()) {
                assumed.push(format!("Service {name} has the cluster IP {address}"));
            }
        }
        for port in &taken.taken_node_ports {
            let named = asked
                .ports
                .iter()
                .flatten()
                .any(|asked| asked.node_port == Some(i32::from(*port)));
            if !named && asked.health_check_node_port != Some(i32::from(*port)) {
                assumed.push(format!("Service {name} has the node port {port}"));
            }
        }
        self.held.addresses.extend(taken.taken_addresses);
        self.held.node_ports.extend(taken.taken_node_ports);
        Ok(assumed)
    }
}
