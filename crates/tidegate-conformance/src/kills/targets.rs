//! What clients call.

use std::net::{IpAddr, SocketAddr};

use tidegate_model::IpFamily;
use tidegate_testnet::Protocol;

use super::plans::{CALLED, node_port, pods_of};

/// A frontend of a Service that is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The Service's number.
    pub(super) service: u8,
    /// The frontend.
    pub(super) to: SocketAddr,
}

impl Target {
    /// Whether a pod of this name is one of the Service's.
    pub(super) fn is_served_by(self, name: &str) -> bool {
        let pods = pods_of(self.service);
        pods.iter().any(|pod| name == format!("pod-{pod}"))
    }
}

/// The cluster IPs and node ports that are called.
pub(super) fn targets(family: IpFamily, protocol: Protocol) -> Vec<Target> {
    let of_service = |service: u8| {
        let (cluster_ip, node): (IpAddr, IpAddr) = match family {
            IpFamily::V4 => ([10, 96, 0, service].into(), [192, 0, 2, 1].into()),
            IpFamily::V6 => (
                format!("fd00:96::{service}").parse().expect("an address"),
                "fd00:c::1".parse().expect("an address"),
            ),
        };
        let port = node_port(service) + u16::from(protocol == Protocol::Udp);
        [(cluster_ip, 80), (node, port)].map(|to| Target {
            service,
            to: to.into(),
        })
    };
    (1..=CALLED).flat_map(of_service).collect()
}
