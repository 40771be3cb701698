//! ConfigMaps: validation.

use k8s_openapi::api::core::v1::ConfigMap;

use super::formats::config_map_key;
use super::object_meta::{self, NameFormat, Scope};
use super::{Cause, FieldPath, Invalid};

/// The most bytes that all values may have together (1 MiB).
const VALUE_BYTES: usize = 1024 * 1024;

const KIND: (&str, &str) = ("", "ConfigMap");

/// Checks a new ConfigMap.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(config_map: &ConfigMap) -> Result<(), Invalid> {
    Invalid::unless_empty(KIND, config_map.metadata.name.as_deref(), check(config_map))
}

/// Checks a changed ConfigMap against what it was: an immutable one stays as it is.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &ConfigMap, new: &ConfigMap) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    if old.immutable == Some(true) {
        for (field, is_changed) in [
            ("immutable", new.immutable != Some(true)),
            ("data", old.data != new.data),
            ("binaryData", old.binary_data != new.binary_data),
        ] {
            if is_changed {
                let complaint = "field is immutable when `immutable` is set";
                causes.push(Cause::forbidden(&FieldPath::root(field), complaint));
            }
        }
    }
    causes.extend(check(new));
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn check(config_map: &ConfigMap) -> Vec<Cause> {
    let mut causes = object_meta::check(
        &config_map.metadata,
        Scope::Namespaced,
        NameFormat::Subdomain,
    );
    let binary = config_map.binary_data.as_ref();
    let mut bytes = 0;
    for (key, value) in config_map.data.iter().flatten() {
        let path = FieldPath::root("data").key(key);
        let faults = config_map_key(key);
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, key.as_str(), fault)),
        );
        if binary.is_some_and(|binary| binary.contains_key(key)) {
            let complaint = "duplicate of key present in binaryData";
            causes.push(Cause::invalid(&path, key.as_str(), complaint));
        }
        bytes += value.len();
    }
    for (key, value) in binary.into_iter().flatten() {
        let path = FieldPath::root("binaryData").key(key);
        let faults = config_map_key(key);
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, key.as_str(), fault)),
        );
        bytes += value.0.len();
    }
    if bytes > VALUE_BYTES {
        causes.push(Cause::too_long(&FieldPath::root(""), VALUE_BYTES));
    }
    causes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config_map(extra: Value) -> ConfigMap {
        let mut value = json!({"metadata": {"name": "c", "namespace": "default"}});
        for (field, field_value) in extra.as_object().expect("an object") {
            value[field] = field_value.clone();
        }
        serde_json::from_value(value).expect("a ConfigMap")
    }

    #[test]
    fn keys_are_file_names_and_unique() {
        assert_eq!(
            validate_create(&config_map(json!({"data": {"a.b": "x"}}))),
            Ok(())
        );
        let bad = config_map(json!({"data": {"a/b": "x"}}));
        assert_eq!(
            validate_create(&bad).expect_err("refused").to_string(),
            "ConfigMap \"c\" is invalid: data[a/b]: Invalid value: \"a/b\": a valid config key \
             must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
             'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        );
        let twice = config_map(json!({"data": {"a": "x"}, "binaryData": {"a": "eA=="}}));
        let refused = validate_create(&twice).expect_err("refused").to_string();
        assert!(
            refused.ends_with("duplicate of key present in binaryData"),
            "{refused}"
        );
    }

    #[test]
    fn the_immutable_stay_as_they_are() {
        let old = config_map(json!({"immutable": true, "data": {"a": "x"}}));
        let new = config_map(json!({"immutable": true, "data": {"a": "y"}}));
        assert_eq!(validate_update(&old, &old), Ok(()));
        assert_eq!(
            validate_update(&old, &new)
                .expect_err("refused")
                .to_string(),
            "ConfigMap \"c\" is invalid: data: Forbidden: field is immutable when `immutable` is set"
        );
    }

    #[test]
    fn a_mebibyte_is_the_limit() {
        let full = config_map(json!({"data": {"a": "x".repeat(VALUE_BYTES + 1)}}));
        let refused = validate_create(&full).expect_err("refused").to_string();
        assert!(
            refused.ends_with("Too long: may not be more than 1048576 bytes"),
            "{refused}"
        );
    }
}
