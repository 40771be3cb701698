//! The quality-of-service class of a pod, which follows from its requests and limits.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::quantity::thousandths;
use super::shape::containers;

/// `Guaranteed` when every container limits processor and memory and requests just as much,
/// `BestEffort` when none asks for anything, else `Burstable`.
pub(crate) fn class(spec: &PodSpec) -> &'static str {
    let mut guaranteed = true;
    let mut best_effort = true;
    for (_, container) in containers(spec) {
        let resources = container.resources.clone().unwrap_or_default();
        let limits = resources.limits.unwrap_or_default();
        let requests = resources.requests.unwrap_or_default();
        for name in ["cpu", "memory"] {
            let limit = amount(&limits, name);
            // A missing request is as large as the limit.
            let request = amount(&requests, name).or(limit);
            best_effort &= limit.is_none() && request.is_none();
            guaranteed &= limit.is_some() && limit == request;
        }
    }
    match (best_effort, guaranteed) {
        (true, _) => "BestEffort",
        (_, true) => "Guaranteed",
        _ => "Burstable",
    }
}

/// Nothing counts as not given.
fn amount(amounts: &BTreeMap<String, Quantity>, name: &str) -> Option<u64> {
    thousandths(&amounts.get(name)?.0).filter(|amount| *amount > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        use serde_json::json;
        for (resources, expected) in [
            (json!({}), "BestEffort"),
            (json!({"requests": {"cpu": "0"}}), "BestEffort"),
            (json!({"requests": {"cpu": "1"}}), "Burstable"),
            (json!({"limits": {"cpu": "1"}}), "Burstable"),
            (
                json!({"limits": {"cpu": "1", "memory": "1Gi"}}),
                "Guaranteed",
            ),
            (
                json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m"}}),
                "Guaranteed",
            ),
            (
                json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}),
                "Burstable",
            ),
        ] {
            let spec = json!({"containers": [{"name": "c", "resources": resources}]});
            let spec = serde_json::from_value(spec).expect("a pod spec");
            assert_eq!(class(&spec), expected, "{resources}");
        }
    }
}
