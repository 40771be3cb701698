//! Addresses of one node that are reached without conntrack, for its DNS server.
//!
//! Every node has the same address for its own DNS server (169.254.20.10 by custom, as NodeLocal
//! DNSCache has it), so that all pods can have the same `resolv.conf` and ask the server beside
//! them. The address lies on the loopback interface, and packets to and from its port 53 are not
//! tracked: a query costs no entry of conntrack, and two queries of one port can't race for one.
//!
//! Several servers may share an address, one after another or at the same time; the last one to
//! leave takes it away. Nothing here listens, and an address that somebody else gave the node is
//! left alone.

mod addresses;
mod error;
mod rules;
mod sockets;

use std::net::IpAddr;

use tidegate_netlink::links::Links;
use tidegate_netlink::nftables::Nftables;

pub use error::NodeLocalError;

/// Gives the node addresses, and keeps conntrack away from them. Both may be so already.
///
/// # Errors
/// The kernel refuses, or there is no loopback interface.
pub fn set_up(wanted: &[IpAddr]) -> Result<(), NodeLocalError> {
    let mut nftables = Nftables::open()?;
    let mut links = Links::open()?;
    let mut ours = rules::read(&mut nftables)?;
    let there = addresses::of_this_node(&mut links)?;
    let new: Vec<IpAddr> = wanted
        .iter()
        .filter(|one| !there.contains(one))
        .copied()
        .collect();
    ours.extend(
        new.iter()
            .filter(|one| !ours.contains(one))
            .copied()
            .collect::<Vec<_>>(),
    );
    // An address without the rules would be tracked for a moment; rules without it harm nobody.
    rules::write(&mut nftables, &ours, wanted)?;
    addresses::add(&mut links, &new)
}

/// Takes those of the addresses away that came from here and that nobody serves any more, over UDP
/// on port 53. Says which.
///
/// # Errors
/// The kernel refuses, or doesn't tell who listens.
pub fn take_down(wanted: &[IpAddr]) -> Result<Vec<IpAddr>, NodeLocalError> {
    let mut nftables = Nftables::open()?;
    let ours = rules::read(&mut nftables)?;
    let served = sockets::served()?;
    let is_over = |one: &&IpAddr| wanted.contains(one) && !served.contains(one);
    let over: Vec<IpAddr> = ours.iter().filter(is_over).copied().collect();
    remove_these(&mut nftables, &ours, &over)?;
    Ok(over)
}

/// Takes every address away that came from here. Says which.
///
/// # Errors
/// The kernel refuses.
pub fn remove() -> Result<Vec<IpAddr>, NodeLocalError> {
    let mut nftables = Nftables::open()?;
    let ours = rules::read(&mut nftables)?;
    remove_these(&mut nftables, &ours, &ours)?;
    Ok(ours)
}

fn remove_these(
    nftables: &mut Nftables,
    ours: &[IpAddr],
    over: &[IpAddr],
) -> Result<(), NodeLocalError> {
    addresses::delete(&mut Links::open()?, over)?;
    let left: Vec<IpAddr> = ours
        .iter()
        .filter(|one| !over.contains(one))
        .copied()
        .collect();
    rules::write(nftables, &left, &left)
}
