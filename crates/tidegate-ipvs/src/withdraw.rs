//! Takes real and virtual servers out of service without cutting the connections that they have.
//!
//! A real server that must go gets weight 0: it keeps its TCP connections and gets no new ones. It
//! is deleted when it has none left, at once or in one of the audits after that. A virtual server
//! that must go does so with its real servers, and stays while connections are established. UDP and
//! SCTP have no end that could be waited for: there, servers are deleted at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_model::Protocol;
use tidegate_netlink::ipvs::{Change, Ipvs, RealServer, RealServerFound, VirtualAddress};

use crate::error::of_socket;
use crate::servers::{Step, commit};

/// What is on its way out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draining {
    /// Real servers with weight 0 that have connections.
    pub(crate) real_servers: BTreeSet<(VirtualAddress, SocketAddr)>,
    /// Virtual servers of which only such real servers are left.
    pub(crate) virtual_servers: BTreeMap<VirtualAddress, Protocol>,
}

/// What must go of a virtual server.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawal {
    pub(crate) of: VirtualAddress,
    /// Of its connections.
    pub(crate) protocol: Protocol,
    pub(crate) what: What,
}

/// How much of a virtual server must go.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// These real servers; with weight 0 first, if the scheduler can live with that.
    RealServers {
        addresses: Vec<SocketAddr>,
        can_drain: bool,
    },
    /// All of it.
    Everything,
}

impl Draining {
    /// Whether an address must stay because a virtual server on it isn't gone yet.
    pub(crate) fn needs(&self, ip: IpAddr) -> bool {
        let mut lingering = self.virtual_servers.keys();
        lingering.any(|of| matches!(of, VirtualAddress::Port { address, .. } if address.ip() == ip))
    }

    /// Takes note that a virtual server is wanted again, with these real servers.
    pub(crate) fn call_off(&mut self, of: VirtualAddress, real_servers: &[RealServer]) {
        self.virtual_servers.remove(&of);
        for server in real_servers {
            self.real_servers.remove(&(of, server.address));
        }
    }

    fn forget(&mut self, of: VirtualAddress) {
        self.virtual_servers.remove(&of);
        self.real_servers.retain(|(other, _)| *other != of);
    }
}

/// Takes servers out of service, and gives how many established connections go on through virtual
/// servers that should be gone.
pub(crate) fn withdraw(
    ipvs: &mut Ipvs,
    withdrawals: &[Withdrawal],
    draining: &mut Draining,
    scheduler: &str,
    outcome: &mut Outcome,
) -> Result<usize, DataplaneError> {
    let first = withdrawals
        .iter()
        .flat_map(|one| one.first_changes(draining));
    commit(ipvs, unowned(first), scheduler, outcome)?;
    let mut second = Vec::new();
    let mut established = 0;
    for withdrawal in withdrawals {
        let found = match withdrawal.waits() {
            true => ipvs
                .real_servers(&withdrawal.of)
                .map_err(|error| of_socket("reading real servers", error))?,
            false => Vec::new(),
        };
        established += withdrawal.second_changes(&found, draining, &mut second);
    }
    commit(ipvs, unowned(second), scheduler, outcome)?;
    Ok(established)
}

impl Withdrawal {
    /// Whether connections are waited for.
    fn waits(&self) -> bool {
        let can_drain = match &self.what {
            What::RealServers { can_drain, .. } => *can_drain,
            What::Everything => true,
        };
        can_drain && self.protocol == Protocol::Tcp
    }

    /// No new connections from here on.
    fn first_changes(&self, draining: &Draining) -> Vec<Change> {
        let What::RealServers { addresses, .. } = &self.what else {
            return Vec::new();
        };
        let is_new = |address: &&SocketAddr| !draining.real_servers.contains(&(self.of, **address));
        match self.waits() {
            true => addresses
                .iter()
                .filter(is_new)
                .map(|address| Change::SetReal(self.of, RealServer::masqueraded(*address, 0)))
                .collect(),
            false => Vec::new(),
        }
    }

    /// What can go at once, and what can't; gives the established connections of what can't.
    fn second_changes(
        &self,
        found: &[RealServerFound],
        draining: &mut Draining,
        changes: &mut Vec<Change>,
    ) -> usize {
        match &self.what {
            What::RealServers { addresses, .. } => {
                for address in addresses {
                    let has_connections = found.iter().any(|one| {
                        one.server.address == *address
                            && one.active_connections + one.inactive_connections > 0
                    });
                    if has_connections {
                        draining.real_servers.insert((self.of, *address));
                    } else {
                        draining.real_servers.remove(&(self.of, *address));
                        changes.push(Change::DeleteReal(self.of, *address));
                    }
                }
                0
            }
            What::Everything => {
                let established: u32 = found.iter().map(|one| one.active_connections).sum();
                if established == 0 {
                    draining.forget(self.of);
                    changes.push(Change::DeleteVirtual(self.of));
                    return 0;
                }
                draining.virtual_servers.insert(self.of, self.protocol);
                for server in found.iter().map(|one| one.server) {
                    draining.real_servers.insert((self.of, server.address));
                    if server.weight != 0 {
                        let server = RealServer {
                            weight: 0,
                            ..server
                        };
                        changes.push(Change::SetReal(self.of, server));
                    }
                }
                usize::try_from(established).unwrap_or(usize::MAX)
            }
        }
    }
}

fn unowned(changes: impl IntoIterator<Item = Change>) -> Vec<Step<'static>> {
    let step = |change| Step {
        change,
        service: None,
    };
    changes.into_iter().map(step).collect()
}
