//! The metadata that belongs to the server, and reading an object against its path.

use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    error::ApiError,
    kinds::{Decoded, Kind},
    object,
    request::ObjectPath,
};

/// Letters and digits of generated names: no vowels, so that no words come up; no look-alikes.
const NAME_CHARACTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const GENERATED_CHARACTERS: usize = 5;
const LONGEST_GENERATED_NAME: usize = 63;

/// Fields that only the server sets. Field ownership is not kept: every writer is its own referee.
const SERVER_FIELDS: [&str; 2] = ["managedFields", "selfLink"];

/// A moment as objects write it.
pub(crate) fn timestamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads a client's object as the kind that its path names.
pub(crate) fn decode(kind: &Kind, mut body: Value) -> Result<Decoded, ApiError> {
    if !body.is_object() {
        return Err(ApiError::BadRequest("the body is not an object".to_owned()));
    }
    check_type(
        kind,
        &mut body,
        "apiVersion",
        &kind.api_version(),
        "API version",
    )?;
    check_type(kind, &mut body, "kind", kind.kind, "kind")?;
    if body.get("metadata").is_none_or(Value::is_null) {
        body["metadata"] = json!({});
    }
    kind.rules.decode(body).map_err(|error| {
        ApiError::BadRequest(format!(
            "{0} in version \"{1}\" cannot be handled as a {0}: {error}",
            kind.kind, kind.version,
        ))
    })
}

fn check_type(
    kind: &Kind,
    body: &mut Value,
    field: &str,
    expected: &str,
    what: &str,
) -> Result<(), ApiError> {
    match body.get(field).and_then(Value::as_str) {
        Some(found) if found == expected => Ok(()),
        None | Some("") => {
            body[field] = json!(expected);
            Ok(())
        }
        Some(found) => Err(ApiError::BadRequest(format!(
            "the {what} in the data ({found}) does not match the expected {what} ({expected}) of {}",
            kind.plural,
        ))),
    }
}

/// Puts the path's namespace into an object and refuses a different one.
pub(super) fn settle_namespace(path: &ObjectPath, new: &mut Value) -> Result<(), ApiError> {
    let metadata = object::metadata(new);
    let Some(namespace) = path.namespace.as_deref() else {
        metadata.remove("namespace");
        return Ok(());
    };
    match metadata.get("namespace").and_then(Value::as_str) {
        Some(given) if !given.is_empty() && given != namespace => Err(ApiError::BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
                .to_owned(),
        )),
        _ => {
            metadata.insert("namespace".to_owned(), json!(namespace));
            Ok(())
        }
    }
}

/// Gives a new object what the server gives: identity, birthday, first generation.
pub(super) fn prepare_new(kind: &Kind, new: &mut Value, now: Timestamp) {
    let metadata = object::metadata(new);
    for field in SERVER_FIELDS
        .iter()
        .chain(&["deletionTimestamp", "deletionGracePeriodSeconds"])
    {
        metadata.remove(*field);
    }
    metadata.insert("uid".to_owned(), json!(Uuid::new_v4().to_string()));
    metadata.insert("creationTimestamp".to_owned(), json!(timestamp(now)));
    let first_generation = kind.counts_generations.then(|| json!(1));
    object::set_or_remove(metadata, "generation", first_generation);
}

/// A name from `generateName`; false if the object has a name or can't be given one.
pub(super) fn generate_name(new: &mut Value) -> bool {
    if !object::name(new).is_empty() {
        return false;
    }
    let prefix = object::text(new, &["metadata", "generateName"]).to_owned();
    if prefix.is_empty() {
        return false;
    }
    let longest = LONGEST_GENERATED_NAME - GENERATED_CHARACTERS;
    let mut name: String = prefix.chars().take(longest).collect();
    let mut random = rand::rng();
    for _ in 0..GENERATED_CHARACTERS {
        name.push(char::from(
            NAME_CHARACTERS[random.random_range(0..NAME_CHARACTERS.len())],
        ));
    }
    object::metadata(new).insert("name".to_owned(), json!(name));
    true
}

/// Copies what a client can't change from the old object to the new.
pub(super) fn carry_over(old: &Value, new: &mut Value) {
    let metadata = object::metadata(new);
    for field in SERVER_FIELDS {
        metadata.remove(field);
    }
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "generateName",
    ] {
        object::set_or_remove(
            metadata,
            field,
            object::at(old, &["metadata", field]).cloned(),
        );
    }
}

/// Counts a change of anything but metadata and status.
pub(super) fn count_generation(kind: &Kind, old: &Value, new: &mut Value) {
    if !kind.counts_generations || same_intent(old, new) {
        return;
    }
    let generation = object::at(old, &["metadata", "generation"])
        .and_then(Value::as_i64)
        .unwrap_or(0);
    object::metadata(new).insert("generation".to_owned(), json!(generation + 1));
}

fn same_intent(old: &Value, new: &Value) -> bool {
    let intent = |object: &Value| {
        let fields = object.as_object().into_iter().flatten();
        fields
            .filter(|(name, _)| !matches!(name.as_str(), "metadata" | "status"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Vec<_>>()
    };
    intent(old) == intent(new)
}

/// Marks an object as on its way out.
pub(super) fn mark_deleted(kind: &Kind, object: &mut Value, now: Timestamp, grace_seconds: i64) {
    let due = now
        .checked_add(SignedDuration::from_secs(grace_seconds))
        .unwrap_or(Timestamp::MAX);
    let metadata = object::metadata(object);
    metadata.insert("deletionTimestamp".to_owned(), json!(timestamp(due)));
    metadata.insert(
        "deletionGracePeriodSeconds".to_owned(),
        json!(grace_seconds),
    );
    if kind.counts_generations {
        let generation = metadata
            .get("generation")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::kinds;

    fn deployments() -> &'static Kind {
        kinds()
            .find("apps", "v1", "deployments")
            .expect("deployments")
    }

    #[test]
    fn generated_names_keep_the_prefix_and_stay_short() {
        let mut pod = json!({"metadata": {"generateName": "x".repeat(100)}});
        assert!(generate_name(&mut pod));
        assert_eq!(object::name(&pod).len(), 63);
        let mut named = json!({"metadata": {"name": "web", "generateName": "w-"}});
        assert!(!generate_name(&mut named));
        assert_eq!(object::name(&named), "web");
    }

    #[test]
    fn the_generation_counts_changes_of_intent_only() {
        let old = json!({"metadata": {"generation": 3}, "spec": {"replicas": 1}, "status": {}});
        let mut relabelled = json!({"metadata": {"generation": 3, "labels": {"a": "b"}},
            "spec": {"replicas": 1}, "status": {"replicas": 1}});
        count_generation(deployments(), &old, &mut relabelled);
        assert_eq!(relabelled["metadata"]["generation"], 3);
        let mut scaled = json!({"metadata": {"generation": 3}, "spec": {"replicas": 2}});
        count_generation(deployments(), &old, &mut scaled);
        assert_eq!(scaled["metadata"]["generation"], 4);
    }

    #[test]
    fn a_client_cannot_change_identity() {
        let old = json!({"metadata": {"name": "a", "uid": "1", "creationTimestamp": "then"}});
        let mut new = json!({"metadata": {"name": "a", "uid": "2", "deletionTimestamp": "now",
            "managedFields": [], "labels": {"x": "y"}}});
        carry_over(&old, &mut new);
        assert_eq!(
            new,
            json!({"metadata": {"name": "a", "uid": "1", "creationTimestamp": "then", "labels": {"x": "y"}}})
        );
    }

    #[test]
    fn an_object_of_another_kind_is_refused() {
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}});
        assert!(matches!(
            decode(deployments(), body),
            Err(ApiError::BadRequest(_))
        ));
    }
}
