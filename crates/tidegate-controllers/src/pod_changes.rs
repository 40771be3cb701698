//! Which Services a pod's change concerns.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;

use crate::cluster::{Change, Cluster, ObjectKey};
use crate::pods;

/// The Services whose endpoints may differ after this change.
///
/// A node reports pods many times in which nothing of interest to a Service changes: those
/// concern nobody. A pod that changes its labels concerns those that it leaves as well.
pub(crate) fn services_touched(cluster: &Cluster, change: &Change<Pod>) -> BTreeSet<ObjectKey> {
    let (old, new) = (change.old.as_deref(), change.new.as_deref());
    if let (Some(old), Some(new)) = (old, new)
        && same_endpoint(old, new)
    {
        return BTreeSet::new();
    }
    [old, new]
        .into_iter()
        .flatten()
        .flat_map(|pod| {
            let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
            let labels = pod.metadata.labels.as_ref();
            cluster.service_selectors.matching(namespace, labels)
        })
        .collect()
}

fn same_endpoint(old: &Pod, new: &Pod) -> bool {
    let (old_status, new_status) = (old.status.as_ref(), new.status.as_ref());
    let (old_spec, new_spec) = (old.spec.as_ref(), new.spec.as_ref());
    old.metadata.uid == new.metadata.uid
        && old.metadata.labels == new.metadata.labels
        && pods::is_terminating(old) == pods::is_terminating(new)
        && pods::is_ready(old) == pods::is_ready(new)
        && pods::is_finished(old) == pods::is_finished(new)
        && old_status.map(|status| (&status.pod_ip, &status.pod_ips))
            == new_status.map(|status| (&status.pod_ip, &status.pod_ips))
        && old_spec.map(|spec| (&spec.node_name, &spec.hostname, &spec.subdomain))
            == new_spec.map(|spec| (&spec.node_name, &spec.hostname, &spec.subdomain))
}
