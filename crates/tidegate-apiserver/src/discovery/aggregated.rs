//! The newer form of discovery: everything in one document (`apidiscovery.k8s.io/v2`).

use serde_json::{Value, json};

use super::VERBS;
use crate::kinds::{Kind, Kinds};

/// The core group alone (`/api`) or all others (`/apis`).
pub(super) fn groups(kinds: &Kinds, core: bool) -> Value {
    let mut items: Vec<Value> = Vec::new();
    for (group, version) in kinds.group_versions() {
        if group.is_empty() != core {
            continue;
        }
        let resources: Vec<Value> = kinds.in_version(group, version).map(resource).collect();
        let entry = json!({"version": version, "freshness": "Current", "resources": resources});
        match items
            .iter_mut()
            .find(|item| item["metadata"]["name"] == group)
        {
            Some(item) => {
                if let Some(versions) = item["versions"].as_array_mut() {
                    versions.push(entry);
                }
            }
            None => items.push(json!({
                "metadata": {"name": group, "creationTimestamp": null}, "versions": [entry],
            })),
        }
    }
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": items,
    })
}

fn resource(kind: &Kind) -> Value {
    let subresources: Vec<Value> = kind
        .subresources()
        .into_iter()
        .map(|(name, subresource)| {
            json!({
                "subresource": name, "verbs": subresource.verbs,
                "responseKind": kind_value(subresource.group, subresource.version, subresource.kind),
            })
        })
        .collect();
    let mut value = json!({
        "resource": kind.plural, "singularResource": kind.singular, "verbs": VERBS,
        "responseKind": kind_value(kind.group, kind.version, kind.kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
    });
    if !kind.short_names.is_empty() {
        value["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        value["categories"] = json!(kind.categories);
    }
    if !subresources.is_empty() {
        value["subresources"] = json!(subresources);
    }
    value
}

fn kind_value(group: &str, version: &str, kind: &str) -> Value {
    json!({"group": group, "version": version, "kind": kind})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::kinds;

    #[test]
    fn core_and_others_are_apart() {
        let core = groups(kinds(), true);
        assert_eq!(core["items"].as_array().map(Vec::len), Some(1));
        let services = core["items"][0]["versions"][0]["resources"]
            .as_array()
            .and_then(|all| {
                all.iter()
                    .find(|resource| resource["resource"] == "services")
            })
            .expect("services");
        assert_eq!(services["shortNames"], json!(["svc"]));
        assert_eq!(services["scope"], "Namespaced");
        let others = groups(kinds(), false);
        assert!(
            others["items"]
                .as_array()
                .is_some_and(|items| items.len() >= 4)
        );
    }
}
