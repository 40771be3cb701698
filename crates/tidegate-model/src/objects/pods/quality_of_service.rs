//! The quality-of-service class of a pod, which `status.qosClass` shows.

use k8s_openapi::api::core::v1::{Container, PodSpec};

/// Classifies a pod by what its containers request: `BestEffort` if nothing, `Guaranteed` if every
/// container's CPU and memory limits are its requests, `Burstable` in between.
///
/// It expects requests to be defaulted from limits. Quantities are compared as they are written,
/// so `1000m` and `1` count as different: the class is only shown, never acted on.
pub(super) fn class(spec: &PodSpec) -> &'static str {
    let mut containers = spec
        .init_containers
        .iter()
        .flatten()
        .chain(&spec.containers);
    if containers.clone().all(asks_nothing) {
        "BestEffort"
    } else if containers.all(is_guaranteed) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

const COMPUTE: [&str; 2] = ["cpu", "memory"];

fn asks_nothing(container: &Container) -> bool {
    let Some(resources) = &container.resources else {
        return true;
    };
    let lists = [&resources.limits, &resources.requests];
    lists
        .into_iter()
        .flatten()
        .all(|list| COMPUTE.iter().all(|name| !list.contains_key(*name)))
}

fn is_guaranteed(container: &Container) -> bool {
    let Some(resources) = &container.resources else {
        return false;
    };
    let (Some(limits), Some(requests)) = (&resources.limits, &resources.requests) else {
        return false;
    };
    COMPUTE.iter().all(|name| {
        let limit = limits.get(*name);
        limit.is_some() && limit == requests.get(*name)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn classes_follow_the_resources() {
        let class_of = |resources: Value| {
            let spec = json!({"containers": [{"name": "a", "resources": resources}]});
            class(&serde_json::from_value(spec).expect("a pod specification"))
        };
        let both = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(class_of(json!({})), "BestEffort");
        assert_eq!(class_of(json!({"requests": {"cpu": "1"}})), "Burstable");
        assert_eq!(
            class_of(json!({"requests": both, "limits": both})),
            "Guaranteed"
        );
    }
}
