//! What can go wrong.

use std::io;
use std::net::IpAddr;

use tidegate_netlink::SocketError;
use tidegate_netlink::nftables::CommitError;

/// Why an address can't be given to the node, or taken away.
#[derive(Debug, thiserror::Error)]
pub enum NodeLocalError {
    /// The kernel can't be asked.
    #[error(
        "the kernel can't be asked about this node's addresses: {0}; run as root, or with CAP_NET_ADMIN"
    )]
    Socket(#[from] SocketError),
    /// The rules that keep conntrack away.
    #[error("the kernel refuses the rules that keep connection tracking away from DNS: {0}")]
    Rules(#[from] CommitError),
    /// A network namespace whose loopback interface is missing.
    #[error("there is no loopback interface to put {0:?} on")]
    NoLoopback(Vec<IpAddr>),
    /// One address.
    #[error("the kernel refuses the address {address}: {reason}")]
    Address {
        /// The address.
        address: IpAddr,
        /// The kernel's answer.
        reason: String,
    },
    /// Who listens isn't told.
    #[error("/proc/net doesn't say who listens: {0}")]
    Sockets(#[from] io::Error),
}
