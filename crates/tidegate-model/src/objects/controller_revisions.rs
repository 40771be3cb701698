//! ControllerRevisions: validation (apps/v1). They keep what a StatefulSet once was.

use k8s_openapi::api::apps::v1::ControllerRevision;

use super::object_meta::{self, NameFormat, Scope, as_json, immutable};
use super::pods::check_not_negative;
use super::{Cause, FieldPath, Invalid};

const KIND: (&str, &str) = ("apps", "ControllerRevision");

/// Checks a new ControllerRevision.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(revision: &ControllerRevision) -> Result<(), Invalid> {
    Invalid::unless_empty(KIND, revision.metadata.name.as_deref(), check(revision))
}

/// Checks a changed ControllerRevision against what it was: what it keeps stays as it is.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &ControllerRevision, new: &ControllerRevision) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    if old.data != new.data {
        causes.push(immutable(&FieldPath::root("data"), as_json(&new.data)));
    }
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn check(revision: &ControllerRevision) -> Vec<Cause> {
    let mut causes =
        object_meta::check(&revision.metadata, Scope::Namespaced, NameFormat::Subdomain);
    let path = FieldPath::root("revision");
    causes.extend(check_not_negative(&path, Some(revision.revision)));
    if revision.data.as_ref().is_none_or(|data| data.0.is_null()) {
        let path = FieldPath::root("data");
        causes.push(Cause::required(&path, "data is mandatory"));
    }
    causes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn revision(number: i64, data: Value) -> ControllerRevision {
        serde_json::from_value(json!({
            "metadata": {"name": "web-1", "namespace": "default"}, "revision": number, "data": data,
        }))
        .expect("a ControllerRevision")
    }

    #[test]
    fn the_number_may_change_and_the_data_may_not() {
        let old = revision(1, json!({"a": 1}));
        assert_eq!(validate_create(&old), Ok(()));
        assert_eq!(validate_update(&old, &revision(3, json!({"a": 1}))), Ok(()));
        let refused = validate_update(&old, &revision(-1, json!({"a": 2}))).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "ControllerRevision.apps \"web-1\" is invalid: [revision: Invalid value: -1: must be \
             greater than or equal to 0, data: Invalid value: {\"a\":2}: field is immutable]"
        );
        assert!(validate_create(&revision(1, Value::Null)).is_err());
    }
}
