//! Addresses on the loopback interface.

use std::net::IpAddr;

use tidegate_netlink::Refusal;
use tidegate_netlink::links::{Link, Links};

use crate::error::NodeLocalError;

/// Every network namespace has it.
const LOOPBACK: &str = "lo";

/// All addresses that the node has, whosever they are.
pub(crate) fn of_this_node(links: &mut Links) -> Result<Vec<IpAddr>, NodeLocalError> {
    Ok(links
        .addresses()?
        .into_iter()
        .map(|one| one.address)
        .collect())
}

pub(crate) fn add(links: &mut Links, addresses: &[IpAddr]) -> Result<(), NodeLocalError> {
    if addresses.is_empty() {
        return Ok(());
    }
    let link = loopback(links, addresses)?;
    let refused = links.add_addresses(&link, addresses)?;
    check(addresses, refused)
}

pub(crate) fn delete(links: &mut Links, addresses: &[IpAddr]) -> Result<(), NodeLocalError> {
    if addresses.is_empty() {
        return Ok(());
    }
    let link = loopback(links, addresses)?;
    let refused = links.delete_addresses(&link, addresses)?;
    check(addresses, refused)
}

fn loopback(links: &mut Links, addresses: &[IpAddr]) -> Result<Link, NodeLocalError> {
    let link = links.find(LOOPBACK)?;
    link.ok_or_else(|| NodeLocalError::NoLoopback(addresses.to_vec()))
}

fn check(addresses: &[IpAddr], refused: Vec<Refusal>) -> Result<(), NodeLocalError> {
    let first = refused.into_iter().next();
    let named = first.and_then(|refusal| Some((*addresses.get(refusal.index)?, refusal)));
    match named {
        Some((address, refusal)) => Err(NodeLocalError::Address {
            address,
            reason: refusal.reason.to_string(),
        }),
        None => Ok(()),
    }
}
