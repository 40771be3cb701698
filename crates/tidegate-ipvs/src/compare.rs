//! Compares the virtual servers in the kernel with those that there should be.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::Protocol;
use tidegate_netlink::ipvs::{Change, VirtualAddress};

use crate::drift::Drift;
use crate::family_state::Servers;
use crate::found::ServerFound;
use crate::scheduler::can_drain;
use crate::servers::Step;
use crate::withdraw::{Draining, What, Withdrawal};

/// What is missing in the kernel, or other than it should be.
pub(crate) fn improvements<'a>(
    wanted: &Servers<'a>,
    found: &BTreeMap<VirtualAddress, ServerFound>,
    drift: &mut Drift,
) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for (of, (key, server)) in wanted {
        let found = found.get(of);
        let mut step = |change: Change, what: &str| {
            drift.add(|| format!("ipvsadm: {change} {what}"));
            steps.push(Step {
                change,
                service: Some(*key),
            });
        };
        match found {
            None => step(
                Change::AddVirtual(server.virtual_server.clone()),
                "was missing",
            ),
            Some(found) if found.virtual_server != server.virtual_server => {
                let change = Change::SetVirtual(server.virtual_server.clone());
                step(change, "was set otherwise");
            }
            Some(_) => {}
        }
        let there: BTreeMap<_, _> = found
            .iter()
            .flat_map(|found| &found.real_servers)
            .map(|found| (found.server.address, found.server))
            .collect();
        for real_server in &server.real_servers {
            match there.get(&real_server.address) {
                None => step(Change::AddReal(*of, *real_server), "was missing"),
                Some(there) if there != real_server => {
                    step(Change::SetReal(*of, *real_server), "was set otherwise");
                }
                Some(_) => {}
            }
        }
    }
    steps
}

/// The real servers in the kernel that get no new connections already.
pub(crate) fn draining_of(
    found: &BTreeMap<VirtualAddress, ServerFound>,
    virtual_servers: BTreeMap<VirtualAddress, Protocol>,
) -> Draining {
    let mut draining = Draining {
        virtual_servers,
        ..Draining::default()
    };
    draining
        .virtual_servers
        .retain(|of, _| found.contains_key(of));
    for (of, server) in found {
        let drained = server
            .real_servers
            .iter()
            .filter(|one| one.server.weight == 0);
        let drained = drained.map(|one| (*of, one.server.address));
        draining.real_servers.extend(drained);
    }
    draining
}

/// What is in the kernel, is ours, and isn't wanted.
pub(crate) fn withdrawals(
    wanted: &Servers<'_>,
    found: &BTreeMap<VirtualAddress, ServerFound>,
    draining: &Draining,
    drift: &mut Drift,
) -> Vec<Withdrawal> {
    let mut withdrawals = Vec::new();
    for (of, server) in found {
        let (protocol, what) = match wanted.get(of) {
            None => {
                if !draining.virtual_servers.contains_key(of) {
                    drift.add(|| format!("ipvsadm: -A {of} should not be there"));
                }
                (protocol_of(of, draining), What::Everything)
            }
            Some((_, wanted)) => {
                let kept: BTreeSet<_> = wanted.real_servers.iter().map(|one| one.address).collect();
                let addresses = server.real_servers.iter().map(|one| one.server.address);
                let addresses: Vec<_> = addresses.filter(|one| !kept.contains(one)).collect();
                if addresses.is_empty() {
                    continue;
                }
                for address in &addresses {
                    if !draining.real_servers.contains(&(*of, *address)) {
                        drift.add(|| format!("ipvsadm: -a {of} -r {address} should not be there"));
                    }
                }
                let can_drain = can_drain(&wanted.virtual_server.scheduler);
                (
                    wanted.protocol,
                    What::RealServers {
                        addresses,
                        can_drain,
                    },
                )
            }
        };
        withdrawals.push(Withdrawal {
            of: *of,
            protocol,
            what,
        });
    }
    withdrawals
}

/// Whose connections a virtual server has that nobody remembers. With a mark it may have those of
/// any protocol; then they are waited for.
pub(crate) fn protocol_of(of: &VirtualAddress, draining: &Draining) -> Protocol {
    let known = draining.virtual_servers.get(of).copied();
    known.unwrap_or(match of {
        VirtualAddress::Port { protocol, .. } if *protocol == tidegate_netlink::Protocol::UDP => {
            Protocol::Udp
        }
        VirtualAddress::Port { protocol, .. } if *protocol == tidegate_netlink::Protocol::SCTP => {
            Protocol::Sctp
        }
        _ => Protocol::Tcp,
    })
}
