//! Hints: which zones or nodes an endpoint is meant for.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointHints, ForNode, ForZone};

use super::endpoint::zone;
use super::pack::Group;

/// How far above its even share an endpoint's load may rise before hints are given up, in
/// percent (upstream's overload threshold).
const TOLERATED_OVERLOAD_PERCENT: u64 = 20;

/// Processor capacity of each zone's ready nodes, in thousandths of a core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ZoneCapacity(BTreeMap<String, u64>);

/// What a Service asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Anywhere,
    SameZone,
    SameNode,
    ByCapacity,
}

/// Marks the endpoints with where their traffic should come from.
///
/// The annotation `service.kubernetes.io/topology-mode: Auto` goes before
/// `spec.trafficDistribution`. By capacity, either all endpoints get a hint or none: where an
/// even load can't be kept up, proxies had better use them all.
pub(super) fn add_hints(service: &Service, groups: &mut [Group], zones: Option<&ZoneCapacity>) {
    let endpoints = groups.iter_mut().flat_map(|group| &mut group.endpoints);
    let ready = endpoints.filter(|endpoint| is_ready(endpoint));
    match wish(service) {
        Wish::Anywhere => {}
        Wish::SameZone => ready.for_each(|endpoint| {
            endpoint.hints = endpoint.zone.as_deref().map(for_zone);
        }),
        Wish::SameNode => ready.for_each(|endpoint| {
            let for_node = |name: String| vec![ForNode { name }];
            endpoint.hints = endpoint.node_name.clone().map(|node| EndpointHints {
                for_nodes: Some(for_node(node)),
                for_zones: endpoint.zone.clone().map(|name| vec![ForZone { name }]),
            });
        }),
        Wish::ByCapacity => {
            if let Some(zones) = zones {
                zones.distribute(ready.collect());
            }
        }
    }
}

/// Whether the Service's hints depend on what the zones can take.
pub(super) fn needs_capacity(service: &Service) -> bool {
    wish(service) == Wish::ByCapacity
}

fn wish(service: &Service) -> Wish {
    let annotations = service.metadata.annotations.as_ref();
    let annotation = |name| annotations.and_then(|all| all.get(name));
    let mode = annotation("service.kubernetes.io/topology-mode")
        .or_else(|| annotation("service.kubernetes.io/topology-aware-hints"));
    if mode.is_some_and(|mode| mode == "Auto" || mode == "auto") {
        return Wish::ByCapacity;
    }
    let spec = service.spec.as_ref();
    match spec.and_then(|spec| spec.traffic_distribution.as_deref()) {
        Some("PreferClose" | "PreferSameZone") => Wish::SameZone,
        Some("PreferSameNode") => Wish::SameNode,
        _ => Wish::Anywhere,
    }
}

fn is_ready(endpoint: &Endpoint) -> bool {
    let conditions = endpoint.conditions.as_ref();
    conditions.and_then(|conditions| conditions.ready) != Some(false)
}

fn for_zone(name: &str) -> EndpointHints {
    EndpointHints {
        for_zones: Some(vec![ForZone {
            name: name.to_owned(),
        }]),
        for_nodes: None,
    }
}

impl ZoneCapacity {
    /// Adds up ready nodes. Control-plane nodes don't run the clients that the traffic is from.
    pub(crate) fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let mut capacity = BTreeMap::new();
        for node in nodes {
            let labels = node.metadata.labels.as_ref();
            let has_label = |name: &str| labels.is_some_and(|labels| labels.contains_key(name));
            if has_label("node-role.kubernetes.io/control-plane")
                || has_label("node-role.kubernetes.io/master")
                || !is_ready_node(node)
            {
                continue;
            }
            if let (Some(zone), Some(cpu)) = (zone(node), cpu_millis(node)) {
                *capacity.entry(zone).or_default() += cpu;
            }
        }
        Self(capacity)
    }

    /// Gives every zone a share of the endpoints close to its share of the capacity. Endpoints
    /// stay in their own zone, as far as every zone can have the least that it needs.
    fn distribute(&self, mut endpoints: Vec<&mut Endpoint>) {
        let Some(least) = self.least_endpoints(endpoints.len() as u64) else {
            return;
        };
        let Some(mut assigned) = own_zones(&endpoints) else {
            return;
        };
        let mut counts: BTreeMap<&str, u64> = least.keys().map(|zone| (*zone, 0)).collect();
        for zone in &assigned {
            match counts.get_mut(zone.as_str()) {
                Some(count) => *count += 1,
                // A zone with endpoints but no usable nodes: there is nothing to share by.
                None => return,
            }
        }
        while let Some(poor) = zone_where(&counts, |zone, count| count < least[zone]) {
            let Some(rich) = richest(&counts, &least) else {
                return;
            };
            if let Some(moved) = assigned.iter_mut().rev().find(|zone| **zone == rich) {
                *moved = poor.clone();
            }
            counts
                .entry(self.name(&rich))
                .and_modify(|count| *count -= 1);
            counts
                .entry(self.name(&poor))
                .and_modify(|count| *count += 1);
        }
        for (endpoint, zone) in endpoints.iter_mut().zip(assigned) {
            endpoint.hints = Some(for_zone(&zone));
        }
    }

    /// How many endpoints each zone needs so that none is overloaded beyond what is tolerated;
    /// `None` if there are too few zones or endpoints.
    fn least_endpoints(&self, endpoints: u64) -> Option<BTreeMap<&str, u64>> {
        let total: u64 = self.0.values().sum();
        if self.0.len() < 2 || endpoints < self.0.len() as u64 || total == 0 {
            return None;
        }
        let least = |cpu: &u64| {
            let share = u128::from(*cpu) * u128::from(endpoints) * 100;
            let parts = u128::from(total) * u128::from(100 + TOLERATED_OVERLOAD_PERCENT);
            u64::try_from(share.div_ceil(parts)).unwrap_or(u64::MAX)
        };
        let least: BTreeMap<_, _> = (self.0.iter())
            .map(|(zone, cpu)| (zone.as_str(), least(cpu)))
            .collect();
        (least.values().sum::<u64>() <= endpoints).then_some(least)
    }

    fn name(&self, zone: &str) -> &str {
        self.0.get_key_value(zone).map_or("", |(name, _)| name)
    }
}

fn own_zones(endpoints: &[&mut Endpoint]) -> Option<Vec<String>> {
    endpoints
        .iter()
        .map(|endpoint| endpoint.zone.clone())
        .collect()
}

fn zone_where(counts: &BTreeMap<&str, u64>, test: impl Fn(&str, u64) -> bool) -> Option<String> {
    let mut zones = counts.iter();
    let found = zones.find(|(zone, count)| test(zone, **count));
    found.map(|(zone, _)| (*zone).to_owned())
}

/// The zone with most endpoints beyond what it needs.
fn richest(counts: &BTreeMap<&str, u64>, least: &BTreeMap<&str, u64>) -> Option<String> {
    let surplus = |(zone, count): &(&&str, &u64)| count.saturating_sub(least[**zone]);
    let richest = counts.iter().max_by_key(surplus)?;
    (surplus(&richest) > 0).then(|| (*richest.0).to_owned())
}

fn is_ready_node(node: &Node) -> bool {
    let status = node.status.as_ref();
    let mut conditions = status
        .iter()
        .flat_map(|status| &status.conditions)
        .flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The node's allocatable processor time; a quantity such as `4`, `3.5` or `3900m`.
fn cpu_millis(node: &Node) -> Option<u64> {
    let allocatable = node.status.as_ref()?.allocatable.as_ref()?;
    let text = &allocatable.get("cpu")?.0;
    let millis = match text.strip_suffix('m') {
        Some(millis) => millis.parse::<f64>().ok()?,
        None => text.parse::<f64>().ok()? * 1000.0,
    };
    (millis.is_finite() && millis >= 1.0).then_some(millis as u64)
}

/// What a node's change can mean for hints and zones.
pub(super) fn facts(node: &Node) -> impl PartialEq + use<> {
    (zone(node), ZoneCapacity::of([node]))
}
