//! The node's part of the network: a bridge, addresses, routes and kernel parameters.
//!
//! Pods hang on one bridge, but they do not talk across it: a pod has its address with a full-length
//! prefix and sends everything to the bridge's own address. So every packet passes the node's IP
//! stack, where services are translated and replies find their connection, without the kernel's
//! bridge-netfilter module.

mod addresses;
mod namespace;
mod netlink;
mod overlap;
mod pod_network;
mod ranges;
pub(crate) mod sysctl;

use std::net::IpAddr;

use ipnet::IpNet;
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use netlink::NetlinkError;
pub use overlap::RangeError;
pub use sysctl::SysctlError;

pub(crate) use namespace::{NamespaceError, Namespaces, path_for_children};
pub(crate) use netlink::{Link, Netlink};
pub(crate) use pod_network::{PodNetwork, PodNetworkError};

use addresses::AddressPool;
use netlink::Route;

/// Why the host's side of the network could not be prepared.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// A configured range cannot be used here.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Somebody else's device has the bridge's name.
    #[error(
        "a network device called {name} exists and does not belong to this data directory; \
         remove it with `tidegate cleanup`, or choose another name with --bridge"
    )]
    BridgeTaken {
        /// The bridge's name.
        name: String,
    },
    /// A netlink request failed.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A kernel parameter could not be changed.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
}

/// What the network is made of.
#[derive(Debug, Clone)]
pub(crate) struct NetworkSettings {
    pub(crate) instance: String,
    pub(crate) bridge: String,
    pub(crate) pod_ranges: Vec<IpNet>,
    pub(crate) service_ranges: Vec<IpNet>,
}

/// The alias that marks a device as belonging to an instance.
pub(crate) fn alias(instance: &str) -> String {
    format!("tidegate node {instance}")
}

/// Refuses ranges and names that are taken, before anything is changed.
pub(crate) async fn check(
    netlink: &Netlink,
    settings: &NetworkSettings,
) -> Result<(), NetworkError> {
    for range in &settings.pod_ranges {
        if AddressPool::new(*range).gateway().is_none() {
            return Err(RangeError::TooSmall { range: *range }.into());
        }
    }
    overlap::check(
        &settings.pod_ranges,
        &settings.service_ranges,
        &netlink.ranges().await?,
    )?;
    if netlink.link_named(&settings.bridge).await?.is_some() {
        return Err(NetworkError::BridgeTaken {
            name: settings.bridge.clone(),
        });
    }
    Ok(())
}

/// Parameters of the whole host that the node needs, with the value that it needs.
///
/// Forwarding, because pods are reached through the host. No redirects, because the kernel would
/// tell pods on the same bridge to talk directly, past the service translation.
pub(crate) fn host_parameters(
    settings: &NetworkSettings,
) -> Result<Vec<sysctl::Changed>, SysctlError> {
    let mut wanted = vec![
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/send_redirects", "0"),
    ];
    if settings
        .pod_ranges
        .iter()
        .any(|range| range.addr().is_ipv6())
    {
        wanted.push(("ipv6/conf/all/forwarding", "1"));
    }
    wanted
        .into_iter()
        .map(|(name, after)| {
            Ok(sysctl::Changed {
                name: name.to_owned(),
                before: sysctl::read(name)?,
                after: after.to_owned(),
            })
        })
        .collect()
}

/// The host's side of the pod network.
#[derive(Debug)]
pub(crate) struct HostNetwork {
    netlink: Netlink,
    bridge: Link,
    pools: std::sync::Mutex<Vec<AddressPool>>,
    gateways: Vec<IpAddr>,
}

impl HostNetwork {
    /// Creates the bridge with its addresses and the routes to the service ranges.
    pub(crate) async fn create(
        netlink: Netlink,
        settings: &NetworkSettings,
    ) -> Result<Self, NetworkError> {
        let name = &settings.bridge;
        let bridge = netlink
            .add_bridge(
                name,
                &alias(&settings.instance),
                hardware_address(&settings.instance),
            )
            .await?;
        sysctl::write(&format!("ipv4/conf/{name}/send_redirects"), "0")?;
        // Loose, whatever the host's default: a reply may come from an address that the strict
        // check would look for on another device.
        sysctl::write(&format!("ipv4/conf/{name}/rp_filter"), "2")?;
        let router_advertisements = format!("ipv6/conf/{name}/accept_ra");
        if sysctl::exists(&router_advertisements) {
            sysctl::write(&router_advertisements, "0")?;
        }
        let pools: Vec<_> = settings
            .pod_ranges
            .iter()
            .map(|range| AddressPool::new(*range))
            .collect();
        let mut gateways = Vec::new();
        for (pool, range) in pools.iter().zip(&settings.pod_ranges) {
            let gateway = pool
                .gateway()
                .ok_or(RangeError::TooSmall { range: *range })?;
            let address = IpNet::new_assert(gateway, range.prefix_len());
            netlink.add_address(bridge.index, address).await?;
            gateways.push(gateway);
        }
        for range in &settings.service_ranges {
            let same_family = |ip: &&IpAddr| ip.is_ipv4() == range.addr().is_ipv4();
            let Some(source) = gateways.iter().find(same_family) else {
                continue;
            };
            let route = Route {
                destination: *range,
                link: bridge.index,
                gateway: None,
                source: Some(*source),
            };
            netlink.add_route(route).await?;
        }
        Ok(Self {
            netlink,
            bridge,
            pools: std::sync::Mutex::new(pools),
            gateways,
        })
    }

    /// The node's own addresses among the pods, which pods use as their gateways.
    pub(crate) fn gateways(&self) -> &[IpAddr] {
        &self.gateways
    }
}

/// A locally administered unicast address (IEEE 802) that is the same at every start.
fn hardware_address(instance: &str) -> [u8; 6] {
    let hash = Sha256::digest(instance.as_bytes());
    [0x02, hash[0], hash[1], hash[2], hash[3], hash[4]]
}
