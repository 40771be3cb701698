//! Makes the kernel forget where UDP clients were led, when that has changed.
//!
//! The kernel sends each packet of a flow that it knows to where the first one went. A UDP client
//! that keeps its port would therefore be led to a listener that is gone for as long as it talks.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use tidegate_dataplane::DataplaneError;
use tidegate_model::Protocol;
use tidegate_netlink::conntrack::{Conntrack, Flow};
use tidegate_netlink::nftables::Family;
use tidegate_plan::{BackendSet, Plan};

use crate::address::listener_range;
use crate::error::of_socket;
use crate::listeners::Listeners;
use crate::redirect::Redirected;

/// The kernel's table of tracked connections.
#[derive(Debug)]
pub(crate) struct Forget {
    conntrack: Conntrack,
}

impl Forget {
    /// Opens the table of the calling thread's network namespace.
    pub(crate) fn open() -> Result<Self, DataplaneError> {
        let conntrack = Conntrack::open();
        let conntrack =
            conntrack.map_err(|error| of_socket("opening netlink for conntrack", error))?;
        Ok(Self { conntrack })
    }

    /// Forgets flows that were led from a frontend to a listener to which it doesn't lead any more.
    pub(crate) fn redirects(&mut self, lost: &HashSet<Redirected>) {
        if lost.is_empty() {
            return;
        }
        self.delete(|flow| {
            let to = flow.original.destination;
            let led = |address| Redirected {
                address,
                port: to.port(),
                listener: flow.reply.source,
            };
            lost.contains(&led(Some(to.ip()))) || lost.contains(&led(None))
        });
    }

    /// Forgets flows to frontends of a plan that lead neither to one of our listeners nor to a
    /// backend, and flows to listeners of an earlier run.
    pub(crate) fn strays(&mut self, plan: &Plan, listeners: &Listeners) {
        let ours = Family::ALL.map(listener_range);
        let places = places(plan);
        self.delete(|flow| {
            let leads_to = flow.reply.source;
            if ours.iter().any(|range| range.contains(&leads_to.ip())) {
                return !listeners.is_one(leads_to);
            }
            let to = flow.original.destination;
            let backends = places.get(&(Some(to.ip()), to.port())).or_else(|| {
                let place = places.get(&(None, to.port()));
                place.filter(|_| flow.translated)
            });
            backends.is_some_and(|backends| !backends.contains(&leads_to))
        });
    }

    /// That flows can't be deleted is no reason to fail: they end by themselves some time.
    fn delete(&mut self, is_stale: impl Fn(&Flow) -> bool) {
        let is_udp = |flow: &Flow| flow.protocol == Protocol::Udp.number();
        let stale = self.conntrack.flows(|flow| is_udp(flow) && is_stale(flow));
        match stale.and_then(|stale| self.conntrack.delete(&stale)) {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "UDP flows will be led anew"),
            Err(error) => tracing::warn!(%error, "UDP flows to places that are gone may stay"),
        }
    }
}

/// The UDP frontends of a plan, each with all the backends that it may lead to.
fn places(plan: &Plan) -> HashMap<(Option<IpAddr>, u16), HashSet<SocketAddr>> {
    let mut places: HashMap<_, HashSet<SocketAddr>> = HashMap::new();
    let ports = plan.services.values().flat_map(|service| &service.ports);
    for port in ports.filter(|port| port.name.protocol == Protocol::Udp) {
        let sets = [BackendSet::Cluster, BackendSet::Local];
        let backends = sets.into_iter().flat_map(|set| port.backends(set));
        let backends = backends.map(|backend| SocketAddr::new(backend.addr.ip, backend.addr.port));
        for frontend in &port.frontends {
            let place = places.entry((frontend.address.ip(), frontend.port));
            place.or_default().extend(backends.clone());
        }
    }
    places
}
