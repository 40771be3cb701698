//! The device that carries the virtual addresses, so that packets to them meet IPVS.

use std::net::IpAddr;

use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_netlink::links::{Link, Links};
use tidegate_plan::PlanKey;

use crate::DEVICE;
use crate::error::of_socket;

/// Gives the device addresses, each on behalf of a Service.
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
    for refusal in refused {
        if let Some((address, service)) = new.get(refusal.index) {
            outcome.refused.push(Refusal {
                service: Some((*service).clone()),
                object: format!("ip addr add {address} dev {DEVICE}"),
                reason: refusal.reason.to_string(),
            });
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
