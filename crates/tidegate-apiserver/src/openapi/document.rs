//! The document of one group and version.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use tidegate_model::merge::patch_rule;

use super::operations::paths;
use crate::kinds::{Kind, Kinds};

/// Builds the document: schemas of the kinds and of all they are made of, and their operations.
pub(super) fn document(kinds: &Kinds, group: &str, version: &str) -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| settings.meta_schema = None);
    let mut generator = settings.into_generator();
    let mut all_paths = Map::new();
    let mut definitions = Vec::new();
    for kind in kinds.in_version(group, version) {
        let schema = (kind.schema)(&mut generator);
        let reference = schema
            .get("$ref")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        all_paths.extend(paths(kind, &reference));
        definitions.push((kind, reference));
    }
    let mut schemas = generator.take_definitions(true);
    for (kind, reference) in definitions {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if let Some(schema) = schemas.get_mut(name) {
            name_kind(schema, kind);
        }
    }
    for (definition, schema) in &mut schemas {
        add_patch_rules(definition, schema);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": env!("CARGO_PKG_VERSION")},
        "paths": all_paths,
        "components": {"schemas": schemas},
    })
}

fn name_kind(schema: &mut Value, kind: &Kind) {
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": kind.group, "kind": kind.kind, "version": kind.version}]);
}

fn add_patch_rules(definition: &str, schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (field, property) in properties {
        let Some(rule) = patch_rule(definition, field) else {
            continue;
        };
        property["x-kubernetes-patch-strategy"] = json!(rule.strategy());
        if let Some(key) = rule.merge_key() {
            property["x-kubernetes-patch-merge-key"] = json!(key);
        }
    }
}
