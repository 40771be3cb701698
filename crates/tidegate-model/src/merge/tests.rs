//! Patches as clients send them, and what becomes of the objects.

use serde_json::{Value, json};

use super::{MergeError, PatchRule, kind_schema, patch_rule, strategic_merge};

fn pod_spec(original: Value, patch: Value) -> Result<Value, MergeError> {
    let schema = kind_schema("", "Pod");
    strategic_merge(schema, json!({"spec": original}), json!({"spec": patch}))
        .map(|merged| merged["spec"].clone())
}

#[track_caller]
fn assert_pod_spec(original: Value, patch: Value, expected: Value) {
    assert_eq!(pod_spec(original, patch), Ok(expected));
}

#[test]
fn maps_are_merged_and_null_removes() {
    assert_pod_spec(
        json!({"hostname": "a", "nodeSelector": {"x": "1", "y": "2"}}),
        json!({"hostname": null, "nodeSelector": {"y": null, "z": "3"}, "subdomain": null}),
        json!({"nodeSelector": {"x": "1", "z": "3"}}),
    );
}

#[test]
fn containers_are_merged_by_name_and_new_ones_come_first() {
    assert_pod_spec(
        json!({"containers": [
            {"name": "a", "image": "x:1", "env": [{"name": "K", "value": "1"}]},
            {"name": "b", "image": "y:1"},
        ]}),
        json!({"containers": [
            {"name": "c", "image": "z:1", "command": null},
            {"name": "a", "image": "x:2", "env": [{"name": "L", "value": "2"}]},
        ]}),
        json!({"containers": [
            {"name": "c", "image": "z:1"},
            {"name": "a", "image": "x:2", "env": [
                {"name": "L", "value": "2"}, {"name": "K", "value": "1"},
            ]},
            {"name": "b", "image": "y:1"},
        ]}),
    );
}

#[test]
fn lists_without_a_rule_are_replaced() {
    assert_pod_spec(
        json!({"tolerations": [{"key": "a"}, {"key": "b"}]}),
        json!({"tolerations": [{"key": "c"}]}),
        json!({"tolerations": [{"key": "c"}]}),
    );
}

#[test]
fn items_can_be_deleted_and_lists_replaced() {
    let original = json!({"containers": [{"name": "a"}, {"name": "b"}]});
    assert_pod_spec(
        original.clone(),
        json!({"containers": [{"$patch": "delete", "name": "a"}]}),
        json!({"containers": [{"name": "b"}]}),
    );
    assert_pod_spec(
        original,
        json!({"containers": [{"$patch": "replace"}, {"name": "c"}]}),
        json!({"containers": [{"name": "c"}]}),
    );
}

#[test]
fn maps_can_be_replaced_and_emptied() {
    let original = json!({"nodeSelector": {"x": "1"}});
    assert_pod_spec(
        original.clone(),
        json!({"nodeSelector": {"$patch": "replace", "y": "2"}}),
        json!({"nodeSelector": {"y": "2"}}),
    );
    assert_pod_spec(
        original,
        json!({"nodeSelector": {"$patch": "delete"}}),
        json!({"nodeSelector": {}}),
    );
}

#[test]
fn the_order_of_items_can_be_set() {
    let original = json!({"containers": [{"name": "a"}, {"name": "b"}, {"name": "injected"}]});
    assert_pod_spec(
        original.clone(),
        json!({
            "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
            "containers": [{"name": "c", "image": "z"}],
        }),
        json!({"containers": [
            {"name": "b"}, {"name": "c", "image": "z"}, {"name": "a"}, {"name": "injected"},
        ]}),
    );
    assert_eq!(
        pod_spec(
            original,
            json!({
                "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
                "containers": [{"name": "b"}, {"name": "a"}],
            })
        ),
        Err(MergeError::OrderMismatch {
            field: "containers".into()
        })
    );
}

#[test]
fn kubectl_apply_drops_a_container() {
    assert_pod_spec(
        json!({"containers": [{"name": "a"}, {"name": "b"}]}),
        json!({
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"$patch": "delete", "name": "b"}],
        }),
        json!({"containers": [{"name": "a"}]}),
    );
}

#[test]
fn retained_keys_choose_among_alternatives() {
    let volumes = |patch: Value| {
        pod_spec(
            json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
            json!({"volumes": [patch]}),
        )
    };
    assert_eq!(
        volumes(json!({
            "$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {"path": "/x"},
        })),
        Ok(json!({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}))
    );
    assert_eq!(
        volumes(json!({"$retainKeys": ["name"], "name": "v", "hostPath": {}})),
        Err(MergeError::NotRetained {
            key: "hostPath".into()
        })
    );
    let schema = kind_schema("apps", "Deployment");
    let rolling = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}});
    let recreate = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
    assert_eq!(
        strategic_merge(schema, rolling, recreate),
        Ok(json!({"spec": {"strategy": {"type": "Recreate"}}}))
    );
}

#[test]
fn sets_of_values_grow_and_shrink() {
    let schema = kind_schema("", "ConfigMap");
    let merged = |patch: Value| {
        let original = json!({"metadata": {"finalizers": ["a/1", "a/2"]}});
        strategic_merge(schema, original, json!({"metadata": patch}))
            .map(|merged| merged["metadata"]["finalizers"].clone())
    };
    assert_eq!(
        merged(json!({"finalizers": ["a/2", "a/3"]})),
        Ok(json!(["a/1", "a/2", "a/3"]))
    );
    assert_eq!(
        merged(json!({"$deleteFromPrimitiveList/finalizers": ["a/1"]})),
        Ok(json!(["a/2"]))
    );
    assert_eq!(
        merged(json!({"$setElementOrder/finalizers": ["a/2", "a/1"]})),
        Ok(json!(["a/2", "a/1"]))
    );
}

#[test]
fn service_ports_are_merged_by_number() {
    let schema = kind_schema("", "Service");
    let original = json!({"spec": {"ports": [{"port": 80, "nodePort": 30080}, {"port": 81}]}});
    let patch = json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}});
    assert_eq!(
        strategic_merge(schema, original, patch),
        Ok(json!({"spec": {"ports": [
            {"port": 80, "nodePort": 30080, "targetPort": 8080}, {"port": 81},
        ]}}))
    );
}

#[test]
fn malformed_patches_are_refused_by_name() {
    let original = json!({"containers": [{"name": "a"}]});
    let refused = |patch: Value| pod_spec(original.clone(), patch).expect_err("refused");
    assert_eq!(
        refused(json!({"containers": [{"image": "x"}]})).to_string(),
        r#"map: {"image":"x"} does not contain declared merge key: name"#
    );
    assert_eq!(
        refused(json!({"containers": ["a"]})).to_string(),
        "an item of containers must be a map"
    );
    assert_eq!(
        refused(json!({"nodeSelector": {}, "$patch": "mend"})).to_string(),
        r#"unknown patch type: "mend": use "merge", "replace" or "delete""#
    );
    assert_eq!(
        refused(json!({"$setElementOrder/containers": 1})).to_string(),
        "$setElementOrder/containers must be a list"
    );
    assert!(strategic_merge(kind_schema("", "Pod"), json!({}), json!([])).is_err());
}

#[test]
fn directives_leave_no_trace_in_new_fields() {
    assert_pod_spec(
        json!({}),
        json!({
            "containers": [{"name": "a", "$setElementOrder/env": [], "$retainKeys": ["name"]}],
            "volumes": [{"$patch": "delete", "name": "v"}],
        }),
        json!({"containers": [{"name": "a"}], "volumes": []}),
    );
}

#[test]
fn rules_can_be_asked_for_by_definition() {
    let rule = |field| patch_rule("io.k8s.api.core.v1.PodSpec", field);
    assert_eq!(rule("containers"), Some(PatchRule::MergeByKey("name")));
    assert_eq!(
        rule("volumes").map(PatchRule::strategy),
        Some("merge,retainKeys")
    );
    assert_eq!(rule("tolerations"), None);
    let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    assert_eq!(patch_rule(meta, "finalizers"), Some(PatchRule::MergeValues));
    assert_eq!(
        patch_rule(meta, "ownerReferences").and_then(PatchRule::merge_key),
        Some("uid")
    );
    assert_eq!(
        patch_rule("io.k8s.api.core.v1.Container", "env"),
        Some(PatchRule::MergeByKey("name"))
    );
    assert_eq!(patch_rule("", "metadata"), None);
}
