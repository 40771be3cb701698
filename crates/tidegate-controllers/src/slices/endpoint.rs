//! One pod as an endpoint of a Service.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions};

use super::AddressFamily;
use crate::pods;

/// The label by which nodes say where they stand.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// The endpoint that a pod is for a Service, at one of its addresses.
///
/// `serving` is the pod's readiness, whether or not it is ending; `ready` leaves out pods that
/// are ending, unless the Service publishes unready addresses, which then all count as ready.
pub(super) fn endpoint(
    service: &Service,
    pod: &Pod,
    node: Option<&Node>,
    address: IpAddr,
) -> Endpoint {
    let serving = pods::is_ready(pod);
    let terminating = pods::is_terminating(pod);
    let ready = publishes_unready(service) || (serving && !terminating);
    let spec = pod.spec.as_ref();
    Endpoint {
        addresses: vec![address.to_string()],
        conditions: Some(EndpointConditions {
            ready: Some(ready),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: host_name(service, pod),
        node_name: spec.and_then(|spec| spec.node_name.clone()),
        target_ref: Some(pod_reference(pod)),
        zone: node.and_then(zone),
        ..Endpoint::default()
    }
}

/// The pod's address of a family, if its node has reported one.
pub(crate) fn address_of(pod: &Pod, family: AddressFamily) -> Option<IpAddr> {
    let status = pod.status.as_ref()?;
    let listed = (status.pod_ips.iter().flatten()).map(|entry| entry.ip.as_str());
    let mut addresses = listed
        .chain(status.pod_ip.as_deref())
        .filter_map(|text| text.parse().ok());
    addresses.find(|address| AddressFamily::of(*address) == family)
}

/// A pod has a name of its own in DNS if it claims this Service as its subdomain.
pub(crate) fn host_name(service: &Service, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let host_name = spec.hostname.as_ref().filter(|name| !name.is_empty())?;
    let claims_service = spec.subdomain == service.metadata.name
        && pod.metadata.namespace == service.metadata.namespace;
    claims_service.then(|| host_name.clone())
}

/// Says which pod it is that stands behind an address.
pub(crate) fn pod_reference(pod: &Pod) -> ObjectReference {
    ObjectReference {
        kind: Some("Pod".to_owned()),
        namespace: pod.metadata.namespace.clone(),
        name: pod.metadata.name.clone(),
        uid: pod.metadata.uid.clone(),
        ..ObjectReference::default()
    }
}

/// The zone that a node is labelled with.
pub(super) fn zone(node: &Node) -> Option<String> {
    let zone = node.metadata.labels.as_ref()?.get(ZONE_LABEL)?;
    (!zone.is_empty()).then(|| zone.clone())
}

/// The Service wants its pods to be found whether or not they are ready. The annotation is the
/// field's predecessor, which upstream still honours.
pub(crate) fn publishes_unready(service: &Service) -> bool {
    let field = service
        .spec
        .as_ref()
        .and_then(|spec| spec.publish_not_ready_addresses);
    let annotations = service.metadata.annotations.as_ref();
    let annotation = annotations.and_then(|annotations| {
        annotations.get("service.alpha.kubernetes.io/tolerate-unready-endpoints")
    });
    field == Some(true) || annotation.is_some_and(|value| value == "true")
}
