//! The names and labels by which a StatefulSet's pods stay themselves.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::object;

/// The pod's own name: a Service may select a single pod by it.
pub(super) const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
/// The pod's ordinal.
pub(super) const POD_INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";
/// The name of the revision that the pod was made from.
pub(super) const REVISION_LABEL: &str = "controller-revision-hash";

/// The name of the pod with this ordinal.
pub(super) fn pod_name(stateful_set: &StatefulSet, ordinal: i32) -> String {
    format!("{}-{ordinal}", object::name(&stateful_set.metadata))
}

/// The ordinal in a pod's name; `None` for a pod that another kind of name gives away as a
/// stranger.
pub(super) fn ordinal_of(stateful_set: &StatefulSet, pod: &ObjectMeta) -> Option<i32> {
    let rest = object::name(pod).strip_prefix(object::name(&stateful_set.metadata))?;
    let ordinal = rest.strip_prefix('-')?.parse().ok()?;
    // "web-01" and "web-+1" also read as numbers, and are not names that a set gives.
    let given = pod_name(stateful_set, ordinal);
    (ordinal >= 0 && object::name(pod) == given).then_some(ordinal)
}

/// The revision that a pod was made from, empty if it has none.
pub(super) fn revision_of(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    let label = labels.and_then(|labels| labels.get(REVISION_LABEL));
    label.map(String::as_str).unwrap_or_default()
}

/// The labels that say who the pod is.
pub(super) fn labels(name: &str, ordinal: i32) -> [(String, String); 2] {
    [
        (POD_NAME_LABEL.to_owned(), name.to_owned()),
        (POD_INDEX_LABEL.to_owned(), ordinal.to_string()),
    ]
}

/// The pod carries the labels that say who it is. A pod that was adopted may not.
pub(super) fn has_labels(pod: &Pod, ordinal: i32) -> bool {
    let own = pod.metadata.labels.clone().unwrap_or_default();
    let wanted = labels(object::name(&pod.metadata), ordinal);
    wanted
        .iter()
        .all(|(name, value)| own.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_set_gives_have_an_ordinal() {
        let named = |name: &str| ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        };
        let web = StatefulSet {
            metadata: named("web"),
            ..StatefulSet::default()
        };
        for (name, expected) in [
            ("web-0", Some(0)),
            ("web-12", Some(12)),
            ("web-2147483648", None),
            ("web-01", None),
            ("web-+1", None),
            ("web--1", None),
            ("web-", None),
            ("web", None),
            ("web-x-1", None),
            ("other-1", None),
        ] {
            assert_eq!(ordinal_of(&web, &named(name)), expected, "{name}");
        }
    }
}
