//! Metadata that can't be, and metadata that can't change.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::{NameFormat, Scope, check, check_update};

fn meta(value: Value) -> ObjectMeta {
    serde_json::from_value(value).expect("metadata")
}

fn faults(value: Value, scope: Scope, format: NameFormat) -> Vec<String> {
    check(&meta(value), scope, format)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn names_and_namespaces() {
    let check = |value| faults(value, Scope::Namespaced, NameFormat::Subdomain);
    assert!(check(json!({"name": "a.b", "namespace": "n"})).is_empty());
    assert_eq!(
        check(json!({"generateName": "a-", "namespace": "n"})),
        ["metadata.name: Required value: name or generateName is required"]
    );
    assert_eq!(
        check(json!({"name": "a"})),
        ["metadata.namespace: Required value"]
    );
    assert!(check(json!({"name": "a", "namespace": "N"}))[0].starts_with("metadata.namespace"));
    assert!(
        check(json!({"name": "a", "generateName": "A-", "namespace": "n"}))[0]
            .starts_with("metadata.generateName: Invalid value: \"A-\"")
    );
    assert_eq!(
        faults(
            json!({"name": "a", "namespace": "n"}),
            Scope::Cluster,
            NameFormat::Label
        ),
        ["metadata.namespace: Forbidden: not allowed on this type"]
    );
    assert_eq!(
        faults(
            json!({"name": "a/b"}),
            Scope::Cluster,
            NameFormat::PathSegment
        ),
        ["metadata.name: Invalid value: \"a/b\": may not contain '/'"]
    );
}

#[test]
fn owners_and_finalizers() {
    let owner = |name: &str| json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": "u", "controller": true});
    let found = faults(
        json!({"name": "a", "ownerReferences": [owner("x"), owner("y")], "finalizers": ["mine"]}),
        Scope::Cluster,
        NameFormat::Label,
    );
    assert!(found[0].ends_with("references for x and y"), "{found:?}");
    assert_eq!(
        found[1],
        "metadata.finalizers: Invalid value: \"mine\": name is neither a standard finalizer \
         name nor is it fully qualified"
    );
}

#[test]
fn what_the_server_set_may_not_change() {
    let old = meta(json!({"name": "a", "uid": "1", "deletionTimestamp": "2026-01-01T00:00:00Z"}));
    let mut new = old.clone();
    assert!(check_update(&old, &new).is_empty());
    new.uid = Some("2".into());
    new.finalizers = Some(vec!["example.com/x".into()]);
    let found: Vec<String> = check_update(&old, &new)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found[0],
        "metadata.uid: Invalid value: \"2\": field is immutable"
    );
    assert!(found[1].ends_with(r#"found new finalizers []string{"example.com/x"}"#));
}
