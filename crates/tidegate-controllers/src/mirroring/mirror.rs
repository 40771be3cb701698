//! The decision: the slices that say what an Endpoints object says.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointSubset, Endpoints, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};

use crate::object;
use crate::slices::labels::{HEADLESS, MANAGED_BY, SERVICE_NAME, is_headless};
use crate::slices::pack::{Changes, Group, SliceTemplate, pack};
use crate::slices::{AddressFamily, TRIGGER_TIME_ANNOTATION};

/// The value of the managed-by label for mirrored slices.
pub(super) const MIRRORING_CONTROLLER: &str = "endpointslicemirroring-controller.k8s.io";
/// Users set this label to `true` on Endpoints whose slices they write themselves.
const SKIP_LABEL: &str = "endpointslice.kubernetes.io/skip-mirror";
/// Marks objects that serve leader election and are no endpoints at all.
const LEADER_ANNOTATION: &str = "control-plane.alpha.kubernetes.io/leader";
/// How many addresses of a subset are mirrored (upstream's limit).
const MAX_ADDRESSES_PER_SUBSET: usize = 1000;
const LAST_APPLIED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether these endpoints are to be mirrored at all.
pub(super) fn is_mirrored(service: &Service, endpoints: &Endpoints) -> bool {
    let has_selector = crate::cluster::service_selector(service).is_some();
    let labels = endpoints.metadata.labels.as_ref();
    let annotations = endpoints.metadata.annotations.as_ref();
    let skipped = labels
        .and_then(|labels| labels.get(SKIP_LABEL))
        .is_some_and(|value| value == "true");
    let elects = annotations.is_some_and(|annotations| annotations.contains_key(LEADER_ANNOTATION));
    !has_selector && !skipped && !elects && endpoints.metadata.deletion_timestamp.is_none()
}

/// Decides what to write so that the slices equal the Endpoints object.
pub(super) fn mirror(
    service: &Service,
    endpoints: &Endpoints,
    existing: &[Arc<EndpointSlice>],
    max_endpoints: usize,
) -> Changes {
    let mut changes = Changes::default();
    for family in [AddressFamily::Ipv4, AddressFamily::Ipv6] {
        let own: Vec<_> = (existing.iter())
            .filter(|slice| slice.address_type == family.name())
            .collect();
        let groups = groups(endpoints, family);
        let template = template(service, endpoints, family);
        changes.append(pack(groups, &own, &template, max_endpoints, None));
    }
    changes
}

fn groups(endpoints: &Endpoints, family: AddressFamily) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for subset in endpoints.subsets.iter().flatten() {
        let ports = ports(subset);
        let group = groups.entry(format!("{ports:?}")).or_default();
        let ready = subset
            .addresses
            .iter()
            .flatten()
            .map(|address| (address, true));
        let not_ready = subset
            .not_ready_addresses
            .iter()
            .flatten()
            .map(|address| (address, false));
        let endpoints = ready
            .chain(not_ready)
            .take(MAX_ADDRESSES_PER_SUBSET)
            .filter_map(|(address, ready)| endpoint(address, ready, family));
        group.endpoints.extend(endpoints);
        group.ports = ports;
    }
    groups.retain(|_, group| !group.endpoints.is_empty());
    groups.into_values().collect()
}

fn ports(subset: &EndpointSubset) -> Vec<EndpointPort> {
    let ports = subset.ports.iter().flatten();
    ports
        .map(|port| EndpointPort {
            name: Some(port.name.clone().unwrap_or_default()),
            port: Some(port.port),
            protocol: port.protocol.clone().or_else(|| Some("TCP".to_owned())),
            app_protocol: port.app_protocol.clone(),
        })
        .collect()
}

fn endpoint(address: &EndpointAddress, ready: bool, family: AddressFamily) -> Option<Endpoint> {
    let ip: IpAddr = address.ip.parse().ok()?;
    (AddressFamily::of(ip) == family).then(|| Endpoint {
        addresses: vec![ip.to_string()],
        conditions: Some(EndpointConditions {
            ready: Some(ready),
            ..EndpointConditions::default()
        }),
        hostname: address.hostname.clone().filter(|name| !name.is_empty()),
        node_name: address.node_name.clone(),
        target_ref: address.target_ref.clone(),
        ..Endpoint::default()
    })
}

fn template(service: &Service, endpoints: &Endpoints, family: AddressFamily) -> SliceTemplate {
    let name = endpoints.metadata.name.clone().unwrap_or_default();
    let mut labels = endpoints.metadata.labels.clone().unwrap_or_default();
    labels.remove(HEADLESS);
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    labels.insert(MANAGED_BY.to_owned(), MIRRORING_CONTROLLER.to_owned());
    labels.insert(SERVICE_NAME.to_owned(), name.clone());
    let mut annotations = endpoints.metadata.annotations.clone().unwrap_or_default();
    annotations.remove(LAST_APPLIED_ANNOTATION);
    annotations.remove(TRIGGER_TIME_ANNOTATION);
    SliceTemplate {
        namespace: endpoints.metadata.namespace.clone().unwrap_or_default(),
        name_prefix: format!("{name}-"),
        address_type: family.name().to_owned(),
        labels,
        annotations,
        owner: object::managed_by(endpoints),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_objects::{object, service};
    use serde_json::json;

    fn endpoints(labels: serde_json::Value) -> Endpoints {
        object(json!({
            "metadata": {"namespace": "default", "name": "web", "uid": "e", "labels": labels,
                "annotations": {LAST_APPLIED_ANNOTATION: "{}", "note": "x"}},
            "subsets": [{
                "addresses": [{"ip": "192.0.2.1", "nodeName": "n"}, {"ip": "2001:db8::1"}, {"ip": "nonsense"}],
                "notReadyAddresses": [{"ip": "192.0.2.2"}],
                "ports": [{"name": "http", "port": 80}],
            }],
        }))
    }

    #[test]
    fn each_family_is_mirrored_into_its_own_slice() {
        let service = service(json!({"selector": null}));
        let changes = mirror(&service, &endpoints(json!({"team": "a"})), &[], 100);
        let addresses: Vec<Vec<_>> = (changes.create.iter())
            .map(|slice| {
                let endpoints = slice.endpoints.iter().flatten();
                let ready = |one: &Endpoint| {
                    one.conditions
                        .as_ref()
                        .and_then(|conditions| conditions.ready)
                };
                endpoints
                    .map(|one| (one.addresses[0].clone(), ready(one)))
                    .collect()
            })
            .collect();
        let expected = [
            vec![
                ("192.0.2.1".to_owned(), Some(true)),
                ("192.0.2.2".to_owned(), Some(false)),
            ],
            vec![("2001:db8::1".to_owned(), Some(true))],
        ];
        assert_eq!(addresses, expected);
        let metadata = &changes.create[0].metadata;
        let labels = metadata.labels.as_ref().expect("labels");
        assert_eq!(
            labels.get(MANAGED_BY).map(String::as_str),
            Some(MIRRORING_CONTROLLER)
        );
        assert_eq!(labels.get("team").map(String::as_str), Some("a"));
        let annotations = metadata.annotations.as_ref().expect("annotations");
        assert_eq!(annotations.keys().collect::<Vec<_>>(), ["note"]);

        let existing: Vec<_> = changes.create.into_iter().map(Arc::new).collect();
        let again = mirror(&service, &endpoints(json!({"team": "a"})), &existing, 100);
        assert!(again.create.is_empty() && again.update.is_empty() && again.delete.is_empty());
    }

    #[test]
    fn only_endpoints_that_users_write_for_services_without_selector_are_mirrored() {
        let without = service(json!({"selector": null}));
        assert!(is_mirrored(&without, &endpoints(json!({}))));
        assert!(!is_mirrored(&service(json!({})), &endpoints(json!({}))));
        assert!(!is_mirrored(
            &without,
            &endpoints(json!({SKIP_LABEL: "true"}))
        ));
    }
}
