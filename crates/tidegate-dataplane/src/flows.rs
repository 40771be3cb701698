//! Which tracked connections lead to a place where their Service no longer is.
//!
//! The kernel sends each packet of a connection that it knows to where the first one went. A UDP
//! client that keeps its port would therefore talk to a backend that is gone for as long as it
//! talks. So when a Service changes, connections that lead astray are deleted: all of UDP, and
//! those of TCP and SCTP that never got an answer (an answered one is the pod's to end).

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tidegate_model::Protocol;
use tidegate_netlink::conntrack::Flow;
use tidegate_plan::{Decision, Delta, Frontend, Plan, PortPlan, ServicePlan};

/// A frontend as connections name it: protocol number, address unless it is a node port, port.
type Place = (u8, Option<IpAddr>, u16);

/// All frontends of a plan, to look through connections when anything may have happened to them.
pub(crate) struct Frontends<'a> {
    by_place: HashMap<Place, (&'a PortPlan, &'a Frontend)>,
}

/// What deltas took away: for each frontend, where connections to it must not lead any more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    by_place: HashMap<Place, HashSet<SocketAddr>>,
}

impl<'a> Frontends<'a> {
    pub(crate) fn of(plan: &'a Plan) -> Self {
        let services = plan.services.values();
        Self {
            by_place: services.flat_map(|plan| frontends(plan)).collect(),
        }
    }

    /// Whether the plan would not have sent a connection where it leads.
    pub(crate) fn is_stale(&self, flow: &Flow) -> bool {
        let frontend = places(flow).find_map(|place| self.by_place.get(&place));
        may_be_deleted(flow)
            && frontend.is_some_and(|(port, frontend)| {
                !backends(port, frontend).any(|backend| backend == flow.reply.source)
            })
    }
}

impl Losses {
    /// Whether nothing was taken away.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    /// Adds what a delta takes away, and takes back what it gives again.
    pub(crate) fn add(&mut self, delta: &Delta) {
        let of = |plans: Vec<&Option<Arc<ServicePlan>>>| -> HashMap<Place, HashSet<SocketAddr>> {
            let plans = plans.into_iter().flatten();
            plans
                .flat_map(|plan| frontends(plan))
                .map(|(place, (port, frontend))| (place, backends(port, frontend).collect()))
                .collect()
        };
        let changes = || delta.changes.iter();
        let before = of(changes().map(|change| &change.before).collect());
        let after = of(changes().map(|change| &change.after).collect());
        for (place, gained) in &after {
            if let Some(lost) = self.by_place.get_mut(place) {
                lost.retain(|backend| !gained.contains(backend));
            }
        }
        let nothing = HashSet::new();
        for (place, had) in &before {
            let has = after.get(place).unwrap_or(&nothing);
            let lost = self.by_place.entry(*place).or_default();
            lost.extend(had.difference(has));
        }
        // Whoever called a frontend before it was one has a connection to the address itself.
        for place in after.keys().filter(|place| !before.contains_key(place)) {
            if let (_, Some(address), port) = place {
                let lost = self.by_place.entry(*place).or_default();
                lost.insert(SocketAddr::new(*address, *port));
            }
        }
        self.by_place.retain(|_, lost| !lost.is_empty());
    }

    /// Whether a connection leads to what was taken away from its frontend.
    pub(crate) fn is_stale(&self, flow: &Flow) -> bool {
        let lost = places(flow).find_map(|place| self.by_place.get(&place));
        may_be_deleted(flow) && lost.is_some_and(|lost| lost.contains(&flow.reply.source))
    }
}

fn may_be_deleted(flow: &Flow) -> bool {
    flow.protocol == Protocol::Udp.number() || !flow.replied
}

/// The frontends that a connection may have been opened to. A node port answers on addresses that
/// nobody lists here, and the port's number alone may be used by anyone: only what was sent
/// elsewhere can be ours.
fn places(flow: &Flow) -> impl Iterator<Item = Place> {
    let to = flow.original.destination;
    let by_address = (flow.protocol, Some(to.ip()), to.port());
    let by_port = flow.translated.then_some((flow.protocol, None, to.port()));
    [Some(by_address), by_port].into_iter().flatten()
}

fn frontends(plan: &ServicePlan) -> impl Iterator<Item = (Place, (&PortPlan, &Frontend))> {
    plan.ports.iter().flat_map(|port| {
        port.frontends.iter().map(move |frontend| {
            let protocol = port.name.protocol.number();
            let place = (protocol, frontend.address.ip(), frontend.port);
            (place, (port, frontend))
        })
    })
}

fn backends<'a>(
    port: &'a PortPlan,
    frontend: &Frontend,
) -> impl Iterator<Item = SocketAddr> + use<'a> {
    let decisions = [frontend.inside, frontend.outside];
    let sets = decisions.map(|decision| match decision {
        Decision::Balance(set) => port.backends(set),
        Decision::Reject | Decision::Drop => &[],
    });
    sets.into_iter()
        .flatten()
        .map(|backend| SocketAddr::new(backend.addr.ip, backend.addr.port))
}
