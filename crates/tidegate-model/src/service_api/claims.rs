//! What Services hold: cluster addresses and node ports, each of which only one can have.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::facts::{Facts, spec_of};
use super::node_ports;
use crate::objects::addresses::parse_lenient;

/// What a Service takes and releases, to be stored together with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimChange {
    /// Cluster addresses that the Service now holds.
    pub taken_addresses: Vec<IpAddr>,
    /// Cluster addresses that it no longer holds.
    pub released_addresses: Vec<IpAddr>,
    /// Node ports that the Service now holds.
    pub taken_node_ports: Vec<u16>,
    /// Node ports that it no longer holds.
    pub released_node_ports: Vec<u16>,
}

/// What all Services of the cluster hold together.
pub trait Claims {
    /// True if a Service holds this cluster address.
    fn has_address(&self, address: IpAddr) -> bool;
    /// True if a Service holds this node port.
    fn has_node_port(&self, port: u16) -> bool;
}

/// Everything that a stored Service holds, as a release: what its deletion gives back.
pub fn held_by(service: &Service) -> ClaimChange {
    let spec = spec_of(service);
    let mut ports: Vec<i32> = node_ports::used(&spec).into_iter().collect();
    ports.extend(
        spec.health_check_node_port
            .filter(|_| spec.needs_health_check_port()),
    );
    ClaimChange {
        released_addresses: held_addresses(&spec).collect(),
        released_node_ports: ports
            .into_iter()
            .filter_map(|port| port.try_into().ok())
            .collect(),
        ..ClaimChange::default()
    }
}

/// The cluster addresses that a specification names.
pub(super) fn held_addresses(spec: &ServiceSpec) -> impl Iterator<Item = IpAddr> {
    spec.cluster_ip_list()
        .iter()
        .filter_map(|ip| parse_lenient(ip))
}
