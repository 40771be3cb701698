//! Which endpoints of a Service are usable at this moment.
//!
//! The rules are upstream's `CategorizeEndpoints`: ready endpoints, else those that still serve
//! while they terminate; narrowed by topology hints for cluster policy, by node for local policy.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tidegate_model::{Endpoint, EndpointAddr, EndpointSlice, IpFamily, ServicePort};

use crate::{Backend, PlanSettings};

/// The endpoints of one service port in one family, each address once.
pub(crate) struct Endpoints<'a> {
    by_address: BTreeMap<EndpointAddr, &'a Endpoint>,
}

impl<'a> Endpoints<'a> {
    /// Collects what the slices of one Service have for one port.
    ///
    /// An address in two slices counts once, and there the endpoint that isn't terminating wins.
    /// Of two that are alike in this, the more usable one wins, whatever the order of the slices.
    pub(crate) fn of_port(
        slices: &'a [EndpointSlice],
        port: &ServicePort,
        family: IpFamily,
    ) -> Self {
        let mut by_address: BTreeMap<EndpointAddr, &'a Endpoint> = BTreeMap::new();
        for slice in slices
            .iter()
            .filter(|slice| slice.family == family && !slice.headless)
        {
            let matching = slice
                .ports
                .iter()
                .filter(|found| found.name == port.name && found.protocol == port.protocol);
            for number in matching.map(|found| found.port) {
                for endpoint in slice
                    .endpoints
                    .iter()
                    .filter(|endpoint| is_routable(endpoint.ip))
                {
                    let addr = EndpointAddr {
                        ip: endpoint.ip,
                        port: number,
                    };
                    by_address
                        .entry(addr)
                        .and_modify(|known| {
                            if usability(endpoint) > usability(known) {
                                *known = endpoint;
                            }
                        })
                        .or_insert(endpoint);
                }
            }
        }
        Self { by_address }
    }

    /// Backends for cluster policy.
    pub(crate) fn for_cluster(&self, settings: &PlanSettings) -> Vec<Backend> {
        let topology = Topology::of(self.ready(), settings);
        let preferred = self.backends(settings, |endpoint| {
            endpoint.ready && topology.admits(endpoint, settings)
        });
        if !preferred.is_empty() {
            return preferred;
        }
        self.backends(settings, is_draining)
    }

    /// Backends for local policy.
    pub(crate) fn for_local(&self, settings: &PlanSettings) -> Vec<Backend> {
        let ready = self.backends(settings, |endpoint| {
            endpoint.ready && is_local(endpoint, settings)
        });
        if !ready.is_empty() {
            return ready;
        }
        self.backends(settings, |endpoint| {
            is_draining(endpoint) && is_local(endpoint, settings)
        })
    }

    fn ready(&self) -> impl Iterator<Item = &'a Endpoint> + Clone {
        self.by_address
            .values()
            .copied()
            .filter(|endpoint| endpoint.ready)
    }

    fn backends(
        &self,
        settings: &PlanSettings,
        usable: impl Fn(&Endpoint) -> bool,
    ) -> Vec<Backend> {
        let chosen = self
            .by_address
            .iter()
            .filter(|(_, endpoint)| usable(endpoint));
        chosen
            .map(|(addr, endpoint)| Backend {
                addr: *addr,
                weight: 1,
                local: is_local(endpoint, settings),
                draining: !endpoint.ready,
            })
            .collect()
    }
}

/// How far hints narrow the choice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Topology {
    SameNode,
    SameZone,
    Anywhere,
}

impl Topology {
    /// Hints count only if every ready endpoint has one and at least one of them is for us.
    fn of<'a>(ready: impl Iterator<Item = &'a Endpoint> + Clone, settings: &PlanSettings) -> Self {
        let all_and_one = |hints: fn(&Endpoint) -> &Vec<String>, own: &str| {
            ready.clone().all(|endpoint| !hints(endpoint).is_empty())
                && ready
                    .clone()
                    .any(|endpoint| hints(endpoint).iter().any(|hint| hint == own))
        };
        if all_and_one(|endpoint| &endpoint.node_hints, &settings.node) {
            return Self::SameNode;
        }
        match &settings.zone {
            Some(zone) if all_and_one(|endpoint| &endpoint.zone_hints, zone) => Self::SameZone,
            _ => Self::Anywhere,
        }
    }

    fn admits(self, endpoint: &Endpoint, settings: &PlanSettings) -> bool {
        match self {
            Self::SameNode => endpoint.node_hints.contains(&settings.node),
            Self::SameZone => settings
                .zone
                .as_ref()
                .is_some_and(|zone| endpoint.zone_hints.contains(zone)),
            Self::Anywhere => true,
        }
    }
}

fn usability(endpoint: &Endpoint) -> (bool, bool, bool) {
    (!endpoint.terminating, endpoint.ready, endpoint.serving)
}

fn is_local(endpoint: &Endpoint, settings: &PlanSettings) -> bool {
    endpoint.node.as_deref() == Some(settings.node.as_str())
}

fn is_draining(endpoint: &Endpoint) -> bool {
    endpoint.serving && endpoint.terminating
}

/// Addresses that no pod can have are never programmed, whatever an object says.
fn is_routable(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast()
}
