//! What a server is told at its start.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
};

use ipnet::IpNet;

/// Settings of a [`crate::Server`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Where certificates (`pki/`) and the administrator's kubeconfig are kept.
    pub data_dir: PathBuf,
    /// The address that `kubectl` on this machine uses. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Further addresses to serve on, with the same certificate. They need not exist yet: an
    /// address that comes into being later is served from then on.
    pub extra_listen: Vec<SocketAddr>,
    /// The address at which pods reach this server: the endpoint of the Service
    /// `default/kubernetes`. It may not be a loopback address, and must be served: name it in
    /// `extra_listen` unless `listen` covers it.
    pub advertise: SocketAddr,
    /// Ranges of cluster addresses: one, or one of each family. The first one's first address is
    /// that of `default/kubernetes`.
    pub service_cidrs: Vec<IpNet>,
    /// Ports that Services of type NodePort get.
    pub node_ports: RangeInclusive<u16>,
    /// The domain below which Services have names, such as `cluster.local`.
    pub cluster_domain: String,
}

impl Config {
    /// The usual settings: loopback port 6443, one IPv4 range 10.96.0.0/16, `cluster.local`.
    pub fn new(data_dir: impl Into<PathBuf>, advertise: SocketAddr) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 6443),
            extra_listen: Vec::new(),
            advertise,
            service_cidrs: vec![IpNet::V4(DEFAULT_SERVICE_CIDR)],
            node_ports: 30_000..=32_767,
            cluster_domain: "cluster.local".to_owned(),
        }
    }
}

const DEFAULT_SERVICE_CIDR: ipnet::Ipv4Net =
    ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 96, 0, 0), 16);
