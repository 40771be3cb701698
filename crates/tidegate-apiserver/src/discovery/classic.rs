//! The older form of discovery: one document per group and version.

use serde_json::{Value, json};

use super::VERBS;
use crate::kinds::{Kind, Kinds};

pub(super) fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

pub(super) fn groups(kinds: &Kinds) -> Value {
    let mut names = Vec::new();
    for (group, _) in kinds.group_versions() {
        if !group.is_empty() && !names.contains(&group) {
            names.push(group);
        }
    }
    let groups: Vec<Value> = names
        .into_iter()
        .filter_map(|name| group_fields(kinds, name))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

pub(super) fn group(kinds: &Kinds, name: &str) -> Option<Value> {
    let mut group = group_fields(kinds, name)?;
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Some(group)
}

fn group_fields(kinds: &Kinds, name: &str) -> Option<Value> {
    let versions: Vec<Value> = kinds
        .group_versions()
        .into_iter()
        .filter(|(group, _)| *group == name && !name.is_empty())
        .map(|(group, version)| {
            json!({"groupVersion": format!("{group}/{version}"), "version": version})
        })
        .collect();
    let preferred = versions.first()?.clone();
    Some(json!({"name": name, "versions": versions, "preferredVersion": preferred}))
}

pub(super) fn resources(kinds: &Kinds, group: &str, version: &str) -> Option<Value> {
    let resources: Vec<Value> = kinds
        .in_version(group, version)
        .flat_map(resource)
        .collect();
    if resources.is_empty() {
        return None;
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
        "resources": resources,
    }))
}

fn resource(kind: &Kind) -> Vec<Value> {
    let mut own = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
        "kind": kind.kind, "verbs": VERBS,
    });
    if !kind.short_names.is_empty() {
        own["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        own["categories"] = json!(kind.categories);
    }
    let mut all = vec![own];
    for (name, subresource) in kind.subresources() {
        let mut entry = json!({
            "name": format!("{}/{name}", kind.plural), "singularName": "",
            "namespaced": kind.namespaced, "kind": subresource.kind, "verbs": subresource.verbs,
        });
        if (subresource.group, subresource.version) != (kind.group, kind.version) {
            entry["group"] = json!(subresource.group);
            entry["version"] = json!(subresource.version);
        }
        all.push(entry);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::kinds;

    #[test]
    fn groups_name_their_versions() {
        let groups = groups(kinds());
        let names: Vec<_> = groups["groups"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|group| group["name"].clone())
            .collect();
        assert!(names.contains(&json!("apps")) && names.contains(&json!("discovery.k8s.io")));
        assert!(!names.contains(&json!("")));
    }

    #[test]
    fn subresources_are_listed_with_their_kind() {
        let apps = resources(kinds(), "apps", "v1").expect("apps");
        let list = apps["resources"].as_array().expect("a list");
        let scale = list
            .iter()
            .find(|r| r["name"] == "deployments/scale")
            .expect("scale");
        assert_eq!(
            (&scale["kind"], &scale["group"]),
            (&json!("Scale"), &json!("autoscaling"))
        );
        assert!(resources(kinds(), "apps", "v9").is_none());
    }
}
