//! Labels by which slices are found and by which controllers know their own.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;

/// The Service that a slice belongs to.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Who writes a slice.
pub(crate) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// Says that the Service has no cluster IP; DNS and proxies choose by it.
pub(crate) const HEADLESS: &str = "service.kubernetes.io/headless";
/// The value of [`MANAGED_BY`] for slices made from a selector.
pub(crate) const SLICE_CONTROLLER: &str = "endpointslice-controller.k8s.io";

/// The Service's labels with those that slices need.
pub(crate) fn for_service(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.remove(HEADLESS);
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    let name = service.metadata.name.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), name);
    labels.insert(MANAGED_BY.to_owned(), SLICE_CONTROLLER.to_owned());
    labels
}

/// The Service asked for no cluster IP.
pub(crate) fn is_headless(service: &Service) -> bool {
    let cluster_ip = service
        .spec
        .as_ref()
        .and_then(|spec| spec.cluster_ip.as_deref());
    cluster_ip == Some("None")
}
