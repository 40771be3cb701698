//! Labels and annotations of Endpoints objects.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;

use crate::slices::labels::{HEADLESS, is_headless};

/// Who writes an Endpoints object; upstream sets it since 1.33.
pub(crate) const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`] for objects made from a selector.
pub(crate) const ENDPOINTS_CONTROLLER: &str = "endpoint-controller";
/// Says that addresses are missing because there are too many; slices have them all.
pub(crate) const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";

/// The Service's labels with those that Endpoints objects need.
pub(super) fn for_service(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.remove(HEADLESS);
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    labels.insert(MANAGED_BY.to_owned(), ENDPOINTS_CONTROLLER.to_owned());
    labels
}
