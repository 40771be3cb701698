//! The operations of a kind, as far as clients look for them.

use serde_json::{Map, Value, json};

use crate::kinds::Kind;

/// The paths of a kind's collection and objects, and their operations.
pub(super) fn paths(kind: &Kind, schema: &str) -> Map<String, Value> {
    let root = if kind.group.is_empty() {
        format!("/api/{}", kind.version)
    } else {
        format!("/apis/{}/{}", kind.group, kind.version)
    };
    let place = if kind.namespaced {
        "/namespaces/{namespace}"
    } else {
        ""
    };
    let collection = format!("{root}{place}/{}", kind.plural);
    let operation = |action: &str, parameters: &[&str]| operation(kind, schema, action, parameters);
    let list = &[
        "labelSelector",
        "fieldSelector",
        "limit",
        "continue",
        "resourceVersion",
        "watch",
    ];
    let write = &["dryRun", "fieldValidation"];
    let remove = &["dryRun", "gracePeriodSeconds", "propagationPolicy"];
    let objects = json!({
        "parameters": place_parameters(kind, false),
        "get": operation("list", list),
        "post": operation("post", write),
        "delete": operation("deletecollection", remove),
    });
    let object = json!({
        "parameters": place_parameters(kind, true),
        "get": operation("get", &[]),
        "put": operation("put", write),
        "patch": operation("patch", write),
        "delete": operation("delete", remove),
    });
    Map::from_iter([
        (collection.clone(), objects),
        (format!("{collection}/{{name}}"), object),
    ])
}

fn operation(kind: &Kind, schema: &str, action: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
        .collect();
    let mut operation = json!({
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": {
            "application/json": {"schema": {"$ref": schema}},
        }}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind":
            {"group": kind.group, "kind": kind.kind, "version": kind.version},
    });
    let body = match action {
        "post" | "put" => json!({"application/json": {"schema": {"$ref": schema}}}),
        "patch" => {
            let any = json!({"schema": {"type": "object"}});
            json!({
                "application/json-patch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
                "application/merge-patch+json": any,
                "application/strategic-merge-patch+json": any,
            })
        }
        _ => return operation,
    };
    operation["requestBody"] = json!({"required": true, "content": body});
    operation
}

fn place_parameters(kind: &Kind, with_name: bool) -> Vec<Value> {
    let in_path = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    let namespace = kind.namespaced.then(|| in_path("namespace"));
    let name = with_name.then(|| in_path("name"));
    namespace.into_iter().chain(name).collect()
}
