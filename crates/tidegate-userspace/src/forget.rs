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
use crate::error::WORDS;
use crate::listeners::Listeners;
use crate::redirect::{Addresses, Redirected};

/// The kernel's table of tracked connections.
#[derive(Debug)]
pub(crate) struct Forget {
    conntrack: Conntrack,
}

impl Forget {
    /// Opens the table of the calling thread's network namespace.
    pub(crate) fn open() -> Result<Self, DataplaneError> {
        let conntrack = Conntrack::open();
        let told = |error| WORDS.of_socket("opening netlink for conntrack", error);
        let conntrack = conntrack.map_err(told)?;
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
            is_udp(flow) && (lost.contains(&led(Some(to.ip()))) || lost.contains(&led(None)))
        });
    }

    /// Forgets UDP flows to frontends of a plan that lead neither to the frontend's listeners nor to
    /// one of its backends, and those to listeners for which nobody asks.
    pub(crate) fn strays(&mut self, plan: &Plan, listeners: &Listeners) {
        let places = places(plan, listeners.addresses());
        self.delete(|flow| {
            let to = flow.original.destination;
            let by_address = places.get(&(Some(to.ip()), to.port()));
            let by_port = places.get(&(None, to.port())).filter(|_| flow.translated);
            let may_lead_to = by_address.or(by_port);
            is_udp(flow)
                && may_lead_to.map_or(is_led_to_us(flow), |places| {
                    !places.contains(&flow.reply.source)
                })
        });
    }

    /// Forgets every flow to a listener of ours, when all of those are gone: their ports may be
    /// other listeners' next, and no client may get there that was led to the former one.
    pub(crate) fn everything(&mut self) {
        self.delete(is_led_to_us);
    }

    /// That flows can't be deleted is no reason to fail: they end by themselves some time.
    fn delete(&mut self, is_stale: impl Fn(&Flow) -> bool) {
        let stale = self.conntrack.flows(is_stale);
        match stale.and_then(|stale| self.conntrack.delete(&stale)) {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "flows will be led anew"),
            Err(error) => tracing::warn!(%error, "flows to places that are gone may stay"),
        }
    }
}

fn is_udp(flow: &Flow) -> bool {
    flow.protocol == Protocol::Udp.number()
}

fn is_led_to_us(flow: &Flow) -> bool {
    let leads_to = flow.reply.source.ip();
    let mut ours = Family::ALL.into_iter().map(listener_range);
    ours.any(|range| range.contains(&leads_to))
}

/// The UDP frontends of a plan, each with all listeners and backends that it may lead to.
fn places(
    plan: &Plan,
    listeners: &Addresses,
) -> HashMap<(Option<IpAddr>, u16), HashSet<SocketAddr>> {
    let mut places: HashMap<_, HashSet<SocketAddr>> = HashMap::new();
    for (key, service) in &plan.services {
        let ports = service.ports.iter();
        for port in ports.filter(|port| port.name.protocol == Protocol::Udp) {
            let mut allowed = HashSet::new();
            for set in [BackendSet::Cluster, BackendSet::Local] {
                let backends = port.backends(set).iter();
                allowed.extend(backends.map(|one| SocketAddr::new(one.addr.ip, one.addr.port)));
                allowed.extend(listeners.get(&(port.name.clone(), key.family, set)));
            }
            for frontend in &port.frontends {
                let place = places.entry((frontend.address.ip(), frontend.port));
                place.or_default().extend(&allowed);
            }
        }
    }
    places
}
