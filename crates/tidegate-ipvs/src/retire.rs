//! Takes the mode out of the kernel, at once or as its connections end.

use std::collections::BTreeMap;

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_model::{IpFamily, Protocol};
use tidegate_netlink::ipvs::{Change, VirtualAddress};
use tidegate_netlink::links::Link;

use crate::compare::protocol_of;
use crate::error::{of_link, of_socket};
use crate::found::{Claims, Found};
use crate::iptables::Iptables;
use crate::requirements::Kernel;
use crate::servers::{Step, commit};
use crate::withdraw::{Draining, What, Withdrawal, withdraw};
use crate::{DEVICE, IpvsOptions, device, keep_sets};

/// What is left of the mode.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    /// Our virtual servers, with the protocols of their connections.
    servers: BTreeMap<VirtualAddress, Protocol>,
    draining: Draining,
}

impl Leaving {
    /// Finds what is ours. The sets tell it, so this comes before they are destroyed.
    pub(crate) fn read(kernel: &mut Kernel, options: &IpvsOptions) -> Result<Self, DataplaneError> {
        let link = our_device(kernel)?;
        let found = Found::read(kernel, link.as_ref())?;
        let mut servers = BTreeMap::new();
        for family in IpFamily::ALL {
            let elements = keep_sets::read(&mut kernel.ipset, family, &found.sets)?;
            let claims = Claims {
                elements: &elements,
                draining: &BTreeMap::new(),
                options,
            };
            let ours = found.our_servers(&mut kernel.ipvs, family, &claims, std::iter::empty())?;
            let ours = ours.into_keys();
            servers.extend(ours.map(|of| (of, protocol_of(&of, &Draining::default()))));
        }
        Ok(Self {
            servers,
            draining: Draining::default(),
        })
    }

    /// Our virtual servers, with the protocols of their connections.
    pub(crate) fn servers(&self) -> &BTreeMap<VirtualAddress, Protocol> {
        &self.servers
    }

    /// Deletes all of it, with the device and the sets.
    pub(crate) fn remove(
        &mut self,
        kernel: &mut Kernel,
        options: &IpvsOptions,
    ) -> Result<(), DataplaneError> {
        let steps = self.servers.keys().map(|of| Step {
            change: Change::DeleteVirtual(*of),
            service: None,
        });
        let mut outcome = Outcome::default();
        commit(
            &mut kernel.ipvs,
            steps.collect(),
            &options.scheduler,
            &mut outcome,
        )?;
        remove_device(kernel, options)?;
        destroy_sets(kernel)
    }
}

/// Deletes what no established connection needs, sees to it that the rest gets no new ones, and
/// gives how many connections there are.
pub(crate) fn leave(
    kernel: &mut Kernel,
    leaving: &mut Leaving,
    options: &IpvsOptions,
) -> Result<usize, DataplaneError> {
    let withdrawals: Vec<Withdrawal> = leaving
        .servers
        .iter()
        .map(|(of, protocol)| Withdrawal {
            of: *of,
            protocol: *protocol,
            what: What::Everything,
        })
        .collect();
    let mut outcome = Outcome::default();
    let draining = &mut leaving.draining;
    let scheduler = &options.scheduler;
    let left = withdraw(
        &mut kernel.ipvs,
        &withdrawals,
        draining,
        scheduler,
        &mut outcome,
    )?;
    leaving.servers = leaving.draining.virtual_servers.clone();
    if let Some(link) = our_device(kernel)? {
        let found = Found::read(kernel, Some(&link))?;
        let addresses = found.virtual_addresses.iter().copied();
        let gone: Vec<_> = addresses
            .filter(|ip| !leaving.draining.needs(*ip) && !options.excludes(*ip))
            .collect();
        device::delete(&mut kernel.links, &link, &gone, &mut outcome)?;
    }
    destroy_sets(kernel)?;
    Ok(left)
}

/// Takes our rules out of both families, where there are such programs.
pub(crate) fn remove_rules() -> Result<(), DataplaneError> {
    let families = IpFamily::ALL.into_iter();
    for family in families.filter(|family| crate::is_usable(*family)) {
        match Iptables::find(family) {
            Ok(iptables) => iptables.remove()?,
            Err(_) if family == IpFamily::V6 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn our_device(kernel: &mut Kernel) -> Result<Option<Link>, DataplaneError> {
    let found = kernel.links.find(DEVICE);
    found.map_err(|error| of_socket("looking for kube-ipvs0", error))
}

/// The device stays if it carries addresses that are left to others.
fn remove_device(kernel: &mut Kernel, options: &IpvsOptions) -> Result<(), DataplaneError> {
    let Some(link) = our_device(kernel)? else {
        return Ok(());
    };
    let found = Found::read(kernel, Some(&link))?;
    let (kept, ours): (Vec<_>, Vec<_>) = found
        .virtual_addresses
        .iter()
        .copied()
        .partition(|ip| options.excludes(*ip));
    match kept.is_empty() {
        true => kernel.links.delete(&link).map_err(of_link),
        false => device::delete(&mut kernel.links, &link, &ours, &mut Outcome::default()),
    }
}

fn destroy_sets(kernel: &mut Kernel) -> Result<(), DataplaneError> {
    let sets = kernel.ipset.sets();
    let sets = sets.map_err(|error| crate::error::of_ipset("listing sets", error))?;
    let destroyed =
        IpFamily::ALL.map(|family| keep_sets::destroy(&mut kernel.ipset, family, &sets));
    destroyed.into_iter().collect()
}
