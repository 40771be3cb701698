//! The decision: which slices a Service should have, compared with those it has.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use super::endpoint::{endpoint, publishes_unready};
use super::hints::{ZoneCapacity, add_hints};
use super::pack::{Changes, Group, SliceTemplate, pack};
use super::ports::endpoint_ports;
use super::{AddressFamily, address_of, families, labels};
use crate::cluster::ObjectKey;
use crate::{object, pods};

/// Everything the decision depends on.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    /// The Service; it has a selector.
    pub(crate) service: &'a Service,
    /// The pods that the selector matches.
    pub(crate) pods: &'a [Arc<Pod>],
    /// The nodes that these pods run on, by name, as far as they exist.
    pub(crate) nodes: &'a BTreeMap<String, Arc<Node>>,
    /// The slices that this controller made for the Service before.
    pub(crate) existing: &'a [Arc<EndpointSlice>],
    /// How many endpoints a slice may hold.
    pub(crate) max_endpoints: usize,
    /// The event that this is the answer to, for measuring how long it took.
    pub(crate) triggered: Option<Timestamp>,
    /// What each zone can take, if the Service wants its traffic spread by it.
    pub(crate) zones: Option<&'a ZoneCapacity>,
}

/// What to write, and the pods that had to be left out because their node is unknown.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub(crate) changes: Changes,
    pub(crate) pods_without_node: Vec<ObjectKey>,
}

/// Decides what to write so that the slices equal the pods.
///
/// There is one group of slices for each address family and set of target ports; a family
/// without endpoints has one empty slice, so that readers can tell "none" from "not yet".
pub(crate) fn reconcile(input: &Input<'_>) -> Decision {
    let mut decision = Decision::default();
    let spec = input.service.spec.as_ref();
    let is_alias = spec.is_some_and(|spec| spec.type_.as_deref() == Some("ExternalName"));
    let families = if is_alias {
        Vec::new()
    } else {
        families(input.service)
    };
    for family in &families {
        let (mut groups, unplaced) = groups(input, *family);
        decision.pods_without_node.extend(unplaced);
        add_hints(input.service, &mut groups, input.zones);
        let existing = of_family(input.existing, |name| name == family.name());
        let template = template(input.service, *family);
        let packed = pack(
            groups,
            &existing,
            &template,
            input.max_endpoints,
            input.triggered,
        );
        decision.changes.append(packed);
    }
    let abandoned = of_family(input.existing, |name| {
        !families.iter().any(|family| family.name() == name)
    });
    decision
        .changes
        .delete
        .extend(abandoned.into_iter().cloned());
    if input.service.metadata.deletion_timestamp.is_some() {
        decision.changes.create.clear();
    }
    decision.pods_without_node.sort();
    decision.pods_without_node.dedup();
    decision
}

/// The endpoints of one family by the ports they serve, and the pods that can't be placed.
fn groups(input: &Input<'_>, family: AddressFamily) -> (Vec<Group>, Vec<ObjectKey>) {
    let mut groups: BTreeMap<String, (Vec<EndpointPort>, Vec<Endpoint>)> = BTreeMap::new();
    let mut unplaced = Vec::new();
    for pod in input.pods.iter().filter(|pod| !pods::is_finished(pod)) {
        let Some(address) = address_of(pod, family) else {
            continue;
        };
        let node_name = pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref());
        let node = node_name.and_then(|name| input.nodes.get(name));
        if node.is_none() && !publishes_unready(input.service) {
            unplaced.push(ObjectKey::of(&pod.metadata));
            continue;
        }
        let ports = endpoint_ports(input.service, pod);
        let endpoint = endpoint(input.service, pod, node.map(AsRef::as_ref), address);
        let group = groups
            .entry(format!("{ports:?}"))
            .or_insert((ports, Vec::new()));
        group.1.push(endpoint);
    }
    if groups.is_empty() {
        groups.insert(String::new(), Default::default());
    }
    let groups = groups.into_values();
    let groups = groups.map(|(ports, endpoints)| Group { ports, endpoints });
    (groups.collect(), unplaced)
}

fn of_family(
    slices: &[Arc<EndpointSlice>],
    wanted: impl Fn(&str) -> bool,
) -> Vec<&Arc<EndpointSlice>> {
    let slices = slices.iter();
    slices.filter(|slice| wanted(&slice.address_type)).collect()
}

fn template(service: &Service, family: AddressFamily) -> SliceTemplate {
    let name = service.metadata.name.as_deref().unwrap_or_default();
    SliceTemplate {
        namespace: service.metadata.namespace.clone().unwrap_or_default(),
        name_prefix: format!("{name}-"),
        address_type: family.name().to_owned(),
        labels: labels::for_service(service),
        annotations: BTreeMap::new(),
        owner: object::managed_by(service),
    }
}
