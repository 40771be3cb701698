//! Reading and changing the common parts of an object that is held as JSON.
//!
//! Absent and wrongly shaped fields read as empty: objects were decoded before they come here.

use serde_json::{Map, Value};

/// A text at a path, empty if there is none.
pub(crate) fn text<'v>(object: &'v Value, path: &[&str]) -> &'v str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// Whatever stands at a path.
pub(crate) fn at<'v>(object: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter()
        .try_fold(object, |value, field| value.get(field))
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, &["metadata", "resourceVersion"])
}

/// Whether the object has been asked to go.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !text(object, &["metadata", "deletionTimestamp"]).is_empty()
}

/// `metadata.finalizers`.
pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    strings(object, &["metadata", "finalizers"])
}

/// A list of texts at a path.
pub(crate) fn strings(object: &Value, path: &[&str]) -> Vec<String> {
    let items = at(object, path)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// `metadata`, made if it is missing.
pub(crate) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    child(object, "metadata")
}

/// The object's own fields.
pub(crate) fn fields(object: &mut Value) -> &mut Map<String, Value> {
    as_map(object)
}

/// An object-valued field, made if it is missing or something else.
pub(crate) fn child<'v>(object: &'v mut Value, field: &str) -> &'v mut Map<String, Value> {
    let value = as_map(object).entry(field).or_insert(Value::Null);
    as_map(value)
}

/// Sets a field, or removes it when there is nothing to set.
pub(crate) fn set_or_remove(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) if !value.is_null() => {
            fields.insert(name.to_owned(), value);
        }
        _ => {
            fields.remove(name);
        }
    }
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("made an object just above"),
    }
}
