//! The device that carries the virtual addresses, so that packets to them meet IPVS.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_netlink::links::{Link, Links};
use tidegate_plan::PlanKey;

use crate::DEVICE;
use crate::error::of_socket;

/// How long the kernel may take to lead packets to new addresses. It takes milliseconds.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long to leave it to it before asking again.
const PAUSE: Duration = Duration::from_millis(1);

/// Gives the device addresses, each on behalf of a Service. Packets to them arrive when this
/// returns, so that whoever served them until now may go.
pub(crate) fn add(
    links: &mut Links,
    device: &Link,
    new: &[(IpAddr, &PlanKey)],
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let addresses: Vec<IpAddr> = new.iter().map(|(address, _)| *address).collect();
    let refused = links.add_addresses(device, &addresses);
    let refused = refused.map_err(|error| of_socket("adding addresses to kube-ipvs0", error))?;
    outcome.changed += addresses.len() - refused.len().min(addresses.len());
    let mut is_added = vec![true; new.len()];
    for refusal in refused {
        if let Some((address, service)) = new.get(refusal.index) {
            is_added[refusal.index] = false;
            outcome.refused.push(Refusal {
                service: Some((*service).clone()),
                object: format!("ip addr add {address} dev {DEVICE}"),
                reason: refusal.reason.to_string(),
            });
        }
    }
    let added = new.iter().zip(is_added).filter(|(_, is_added)| *is_added);
    wait_for_routes(links, added.map(|(new, _)| new), outcome)
}

/// Waits until the kernel has the routes of new addresses, which it makes for IPv6 in its own time.
fn wait_for_routes<'a>(
    links: &mut Links,
    added: impl Iterator<Item = &'a (IpAddr, &'a PlanKey)>,
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let deadline = Instant::now() + LONGEST_WAIT;
    for (address, service) in added.filter(|(address, _)| address.is_ipv6()) {
        let mut is_local = || {
            let found = links.is_local(*address);
            found.map_err(|error| of_socket("asking for the route of a new address", error))
        };
        while !is_local()? {
            if Instant::now() > deadline {
                outcome.refused.push(Refusal {
                    service: Some((*service).clone()),
                    object: format!("ip route get {address}"),
                    reason: "packets to this address of kube-ipvs0 don't end at this machine; \
                             look for rules in `ip -6 rule` ahead of the table local"
                        .to_owned(),
                });
                break;
            }
            thread::sleep(PAUSE);
        }
    }
    Ok(())
}

/// Takes addresses from the device.
pub(crate) fn delete(
    links: &mut Links,
    device: &Link,
    old: &[IpAddr],
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let refused = links.delete_addresses(device, old);
    let refused = refused.map_err(|error| of_socket("taking addresses from kube-ipvs0", error))?;
    outcome.changed += old.len() - refused.len().min(old.len());
    for refusal in refused {
        if let Some(address) = old.get(refusal.index) {
            outcome.refused.push(Refusal {
                service: None,
                object: format!("ip addr del {address} dev {DEVICE}"),
                reason: refusal.reason.to_string(),
            });
        }
    }
    Ok(())
}
