//! The addresses that this machine has.

use std::io;
use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// Where IPVS proxies, kube-proxy's and ours, put the addresses of Services.
const OF_SERVICES: &str = "kube-ipvs0";

/// The addresses of this machine's interfaces in the calling thread's network namespace, loopback
/// ones included, but without those that are only there for Services.
///
/// # Errors
/// The kernel doesn't tell.
pub fn local_addresses() -> io::Result<Vec<IpAddr>> {
    let address = |storage: SockaddrStorage| match storage.as_sockaddr_in() {
        Some(v4) => Some(IpAddr::V4(v4.ip())),
        None => storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())),
    };
    let interfaces = getifaddrs()?;
    Ok(interfaces
        .filter(|interface| interface.interface_name != OF_SERVICES)
        .filter_map(|interface| interface.address.and_then(address))
        .collect())
}
