//! delete: removing an object, or asking it to go.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_store::{Expectation, Operation};

use super::{
    deletion::{Decision, decide},
    metadata::timestamp,
    modify::read,
    name_of,
};
use crate::{
    api::Api,
    error::ApiError,
    kinds::{Deletion, Kind, kinds},
    object,
    request::{DeleteOptions, ObjectPath, read_optional},
    respond::View,
    services::{check_address_unused, claim_operations},
    storage::{Raw, Stored, WriteError, as_checks, encode, object_key},
};

/// How often a deletion is decided anew because the object changed meanwhile.
const ATTEMPTS: usize = 64;

/// Namespaces that a cluster can't do without.
const IMMORTAL_NAMESPACES: [&str; 3] = ["default", "kube-system", "kube-public"];

/// What became of an object that was to be deleted.
pub(super) enum Deleted {
    /// It is gone; this was its last state.
    Gone(Stored),
    /// It stays for now, in this state.
    Pending(Raw),
}

pub(super) async fn answer(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let query = DeleteOptions::of(request.uri())?;
    let view = View::of(path.kind, request.headers(), None)?;
    let (parts, body) = request.into_parts();
    let options = read_optional::<DeleteOptions>(&parts.headers, body)
        .await?
        .or(query);
    let name = name_of(&path)?;
    match delete(api, &path, name, &options).await? {
        Deleted::Pending(raw) => view.object_response(StatusCode::OK, &raw),
        Deleted::Gone(stored) => {
            Ok(axum::Json(success(path.kind, name, &stored.object)).into_response())
        }
    }
}

fn success(kind: &Kind, name: &str, object: &Value) -> Value {
    let mut details = json!({"name": name, "kind": kind.plural, "uid": object::uid(object)});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    })
}

/// Deletes one object, or marks it.
pub(super) async fn delete(
    api: &Api,
    path: &ObjectPath,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    let (kind, namespace) = (path.kind, path.namespace_or_empty());
    if kind.deletion == Deletion::Namespace && IMMORTAL_NAMESPACES.contains(&name) {
        return Err(ApiError::forbidden(
            kind,
            name,
            "this namespace may not be deleted",
        ));
    }
    let dry_run = options.dry_run()?;
    for _ in 0..ATTEMPTS {
        let stored = read(api, path, name).await?;
        check_preconditions(kind, name, &stored.object, options)?;
        if kind.deletion == Deletion::ServiceAddress {
            check_address_unused(&api.objects, kind, &stored.object).await?;
        }
        let now = Timestamp::now();
        let (mut operations, outcome) = match decide(kind, &stored.object, options, now)? {
            Decision::Remove => (
                removal(kind, namespace, name, &stored)?,
                Deleted::Gone(stored),
            ),
            Decision::Keep => {
                let raw = Raw {
                    bytes: encode(&stored.object),
                    revision: stored.revision,
                };
                return Ok(Deleted::Pending(raw));
            }
            Decision::Mark(marked) => {
                let bytes = encode(&marked);
                let expect = Expectation::Unchanged(stored.revision);
                let put = Operation::put(object_key(kind, namespace, name), expect, bytes.clone());
                (
                    vec![put],
                    Deleted::Pending(Raw {
                        bytes,
                        revision: stored.revision,
                    }),
                )
            }
        };
        if dry_run {
            operations = as_checks(operations);
        }
        match api.objects.commit(operations).await {
            Ok(revision) => {
                return Ok(match outcome {
                    Deleted::Pending(raw) if !dry_run => Deleted::Pending(Raw { revision, ..raw }),
                    other => other,
                });
            }
            Err(WriteError::Failed(error)) => return Err(error),
            Err(WriteError::Conflict(_)) => {}
        }
    }
    Err(ApiError::modified(kind, name))
}

/// Everything that goes with an object: its claims, and a Service's Endpoints.
pub(super) fn removal(
    kind: &Kind,
    namespace: &str,
    name: &str,
    stored: &Stored,
) -> Result<Vec<Operation>, ApiError> {
    let expect = Expectation::Unchanged(stored.revision);
    let mut operations = vec![Operation::delete(object_key(kind, namespace, name), expect)];
    let held = kind.rules.held_by(&stored.object)?;
    operations.extend(claim_operations(
        &held,
        &stored.object,
        &timestamp(Timestamp::now()),
    ));
    if kind.group.is_empty()
        && kind.kind == "Service"
        && let Some(endpoints) = kinds().find("", "v1", "endpoints")
    {
        let key = object_key(endpoints, namespace, name);
        operations.push(Operation::delete(key, Expectation::Any));
    }
    Ok(operations)
}

fn check_preconditions(
    kind: &Kind,
    name: &str,
    object: &Value,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    let Some(preconditions) = &options.preconditions else {
        return Ok(());
    };
    let differs = |wanted: &Option<String>, actual: &str| {
        wanted.as_deref().is_some_and(|wanted| wanted != actual)
    };
    let (uid, version) = (object::uid(object), object::resource_version(object));
    let (what, wanted, actual) = if differs(&preconditions.uid, uid) {
        ("UID", &preconditions.uid, uid)
    } else if differs(&preconditions.resource_version, version) {
        ("ResourceVersion", &preconditions.resource_version, version)
    } else {
        return Ok(());
    };
    let wanted = wanted.as_deref().unwrap_or_default();
    Err(ApiError::conflict(
        kind,
        name,
        format!(
            "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {actual}"
        ),
    ))
}
