//! Objects and patches that no one means well with: everything gets an answer, nothing panics.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Pod};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};
use tidegate_model::merge::{kind_schema, strategic_merge};
use tidegate_model::objects::{
    config_maps, deployments, endpoint_slices, endpoints, pods, stateful_sets,
};
use tidegate_model::table::printer;

const KINDS: [(&str, &str); 14] = [
    ("", "ConfigMap"),
    ("", "Endpoints"),
    ("", "Event"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "Pod"),
    ("", "Service"),
    ("apps", "ControllerRevision"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("coordination.k8s.io", "Lease"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("example.com", "Thing"),
];

/// Field names that mean something somewhere, and directives of patches.
const NAMES: [&str; 44] = [
    "$deleteFromPrimitiveList/finalizers",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "$setElementOrder/finalizers",
    "addresses",
    "conditions",
    "containerStatuses",
    "containers",
    "count",
    "creationTimestamp",
    "data",
    "deletionTimestamp",
    "endpoints",
    "env",
    "exitCode",
    "externalIPs",
    "finalizers",
    "image",
    "ingress",
    "initContainerStatuses",
    "initContainers",
    "involvedObject",
    "ip",
    "labels",
    "lastState",
    "loadBalancer",
    "matchExpressions",
    "metadata",
    "name",
    "nodePort",
    "port",
    "ports",
    "reason",
    "replicas",
    "restartCount",
    "selector",
    "series",
    "spec",
    "state",
    "status",
    "subsets",
    "terminated",
    "type",
];

fn json() -> impl Strategy<Value = Value> {
    let text = select(vec![
        "",
        "a",
        "delete",
        "replace",
        "merge",
        "None",
        "LoadBalancer",
        "2026-01-01T00:00:00Z",
        "-292277022657-01-27T08:29:52Z",
        "ä\u{0}",
        "10.0.0.1",
        "::1",
        "True",
        "Ready",
        "25%",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2i64..70_000).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 6, |inner| {
        let field = (
            select(NAMES.to_vec()).prop_map(str::to_owned),
            inner.clone(),
        );
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::Array),
            prop::collection::vec(field, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

/// Decodes what decodes, and runs it through defaults and validation.
fn admit<T: serde::de::DeserializeOwned, E>(
    value: &Value,
    defaults: impl Fn(&mut T),
    validate: impl Fn(&T) -> Result<(), E>,
) {
    if let Ok(mut object) = serde_json::from_value::<T>(value.clone()) {
        defaults(&mut object);
        // The verdict doesn't matter here, only that there is one.
        let (Ok(()) | Err(_)) = validate(&object);
    }
}

proptest! {
    #[test]
    fn patches_are_applied_or_refused(
        (group, kind) in select(KINDS.to_vec()), object in json(), patch in json(),
    ) {
        let schema = kind_schema(group, kind);
        if let Ok(merged) = strategic_merge(schema, object, patch) {
            prop_assert!(merged.is_object());
        }
    }

    #[test]
    fn an_empty_patch_changes_nothing(
        (group, kind) in select(KINDS.to_vec()), object in json(),
    ) {
        let schema = kind_schema(group, kind);
        let empty = Value::Object(Map::new());
        if let Ok(unchanged) = strategic_merge(schema, object.clone(), empty) {
            prop_assert_eq!(unchanged, object);
        }
    }

    #[test]
    fn every_object_prints_a_cell_for_each_column(
        (group, kind) in select(KINDS.to_vec()), object in json(),
    ) {
        let printer = printer(group, kind);
        prop_assert_eq!(printer.cells(&object, now()).len(), printer.columns.len());
    }

    #[test]
    fn every_object_is_accepted_or_refused(object in json()) {
        admit(&object, pods::defaults, pods::validate_create);
        admit(&object, deployments::defaults, deployments::validate_create);
        admit(&object, endpoints::defaults, endpoints::validate_create);
        admit(&object, endpoint_slices::defaults, endpoint_slices::validate_create);
        admit(&object, |_: &mut ConfigMap| (), config_maps::validate_create);
    }
}

#[test]
fn a_patch_with_very_many_items_is_applied() {
    let items = |from: usize| -> Vec<Value> {
        (from..from + 50_000)
            .map(|n| serde_json::json!({"name": format!("c{n}")}))
            .collect()
    };
    let object = serde_json::json!({"spec": {"containers": items(0)}});
    let patch = serde_json::json!({"spec": {"containers": items(25_000)}});
    let merged = strategic_merge(kind_schema("", "Pod"), object, patch).expect("merged");
    assert_eq!(
        merged["spec"]["containers"].as_array().map(Vec::len),
        Some(75_000)
    );
}

#[test]
fn an_empty_object_of_each_kind_is_refused_politely() {
    let empty = serde_json::json!({});
    let pod: Pod = serde_json::from_value(empty.clone()).expect("a pod");
    let deployment: Deployment = serde_json::from_value(empty.clone()).expect("a Deployment");
    let stateful_set: StatefulSet = serde_json::from_value(empty.clone()).expect("a StatefulSet");
    let endpoints: Endpoints = serde_json::from_value(empty.clone()).expect("Endpoints");
    let slice: EndpointSlice = serde_json::from_value(empty).expect("an EndpointSlice");
    for refused in [
        pods::validate_create(&pod),
        deployments::validate_create(&deployment),
        stateful_sets::validate_create(&stateful_set),
        endpoints::validate_create(&endpoints),
        endpoint_slices::validate_create(&slice),
    ] {
        let message = refused.expect_err("refused").to_string();
        assert!(
            message.contains("metadata.name: Required value"),
            "{message}"
        );
    }
}
