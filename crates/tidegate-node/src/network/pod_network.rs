//! One pod's connection to the bridge.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::HostNetwork;
use super::namespace::{NamespaceError, Namespaces};
use super::netlink::{Netlink, NetlinkError, Route};

/// The device inside a pod.
const POD_DEVICE: &str = "eth0";

/// Why a pod could not be connected.
#[derive(Debug, Error)]
pub(crate) enum PodNetworkError {
    #[error(
        "no pod address is free any more; delete pods, or start with a larger range (--pod-cidr)"
    )]
    NoAddress,
    #[error("the network device in the pod disappeared")]
    DeviceGone,
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

/// A pod's addresses, given back when it is dropped, and its device on the host.
#[derive(Debug)]
pub(crate) struct PodNetwork {
    host: Arc<HostNetwork>,
    device: String,
    addresses: Vec<IpAddr>,
}

impl PodNetwork {
    /// Makes namespaces for the pod `uid` and connects them.
    pub(crate) async fn connect(
        host: &Arc<HostNetwork>,
        uid: &str,
        host_name: String,
    ) -> Result<(Namespaces, Self), PodNetworkError> {
        let (namespaces, inside) = Namespaces::isolated(host_name).await?;
        let network = Self {
            host: Arc::clone(host),
            device: device_name(uid),
            addresses: allocate(host)?,
        };
        network.wire(&namespaces, &inside).await?;
        Ok((namespaces, network))
    }

    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Removes the device at once instead of waiting for the kernel to do so with the namespace.
    pub(crate) async fn disconnect(&self) -> Result<(), NetlinkError> {
        match self.host.netlink.link_named(&self.device).await? {
            Some(link) => self.host.netlink.delete_link(&link).await.map(drop),
            None => Ok(()),
        }
    }

    async fn wire(&self, namespaces: &Namespaces, inside: &Netlink) -> Result<(), PodNetworkError> {
        let Some(namespace) = namespaces.network() else {
            return Ok(());
        };
        self.host
            .netlink
            .add_pair(&self.device, self.host.bridge.index, POD_DEVICE, namespace)
            .await?;
        // Where bridge-netfilter is on, the translation of a pod's call to a Service that it is a
        // backend of happens within the bridge, and the answer is for the port of the question.
        let port = index(&self.host.netlink, &self.device).await?;
        self.host.netlink.let_return(port).await?;
        inside.set_up(index(inside, "lo").await?).await?;
        let device = index(inside, POD_DEVICE).await?;
        inside.set_up(device).await?;
        for (address, gateway) in self.addresses.iter().zip(&self.host.gateways) {
            inside.add_address(device, IpNet::from(*address)).await?;
            let everywhere = match address {
                IpAddr::V4(_) => IpNet::new_assert([0, 0, 0, 0].into(), 0),
                IpAddr::V6(_) => IpNet::new_assert([0u16; 8].into(), 0),
            };
            let route = Route {
                destination: everywhere,
                link: device,
                gateway: Some(*gateway),
                source: Some(*address),
            };
            inside.add_route(route).await?;
        }
        Ok(())
    }
}

impl Drop for PodNetwork {
    fn drop(&mut self) {
        release(&self.host, &self.addresses);
    }
}

async fn index(inside: &Netlink, name: &str) -> Result<u32, PodNetworkError> {
    let link = inside.link_named(name).await?;
    link.map(|link| link.index)
        .ok_or(PodNetworkError::DeviceGone)
}

/// One address of every range, or none at all.
fn allocate(host: &HostNetwork) -> Result<Vec<IpAddr>, PodNetworkError> {
    let mut addresses = Vec::new();
    {
        let mut pools = lock(host);
        for pool in pools.iter_mut() {
            addresses.extend(pool.allocate());
        }
        if addresses.len() == pools.len() {
            return Ok(addresses);
        }
    }
    release(host, &addresses);
    Err(PodNetworkError::NoAddress)
}

fn release(host: &HostNetwork, addresses: &[IpAddr]) {
    let mut pools = lock(host);
    for address in addresses {
        // A pool ignores addresses that are not its own.
        pools.iter_mut().for_each(|pool| pool.release(*address));
    }
}

fn lock(host: &HostNetwork) -> std::sync::MutexGuard<'_, Vec<super::addresses::AddressPool>> {
    // A panic elsewhere cannot leave a pool half changed.
    host.pools
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Device names have at most 15 characters, so a hash stands for the pod.
fn device_name(uid: &str) -> String {
    let hash = Sha256::digest(uid.as_bytes());
    let hex: String = hash
        .iter()
        .take(5)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("tide{hex}")
}
