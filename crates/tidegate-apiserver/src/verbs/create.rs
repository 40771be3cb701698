//! create.

use axum::{body::Body, response::Response};
use http::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_store::{Expectation, Operation};

use super::{
    Written, decode, judge_unknown,
    metadata::{generate_name, prepare_new, settle_namespace, timestamp},
    written_response,
};
use crate::{
    api::Api,
    error::ApiError,
    kinds::{Kind, StatusRule, kinds},
    object,
    request::{ObjectPath, WriteOptions, read_object},
    respond::View,
    services::{ClusterView, Taken, claim_operations},
    storage::{NOT_STORED, Raw, WriteError, as_checks, encode, object_key},
};

/// How often a transaction is tried again that others have overtaken.
const ATTEMPTS: usize = 64;

/// How often another generated name is tried after a collision.
const NAME_ATTEMPTS: usize = 8;

pub(super) async fn answer(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    if path.kind.namespaced && path.namespace.is_none() {
        return Err(ApiError::MethodNotAllowed);
    }
    let options = WriteOptions::of(request.uri())?;
    let view = View::of(path.kind, request.headers(), None)?;
    let (parts, body) = request.into_parts();
    let body = read_object(&parts.headers, body).await?;
    let decoded = decode(path.kind, body)?;
    let mut warnings = judge_unknown(options.field_validation()?, &decoded.unknown, path.kind)?;
    let mut written = create(api, &path, decoded.object, options.dry_run()?).await?;
    warnings.append(&mut written.warnings);
    written_response(
        &view,
        StatusCode::CREATED,
        &Written {
            warnings,
            ..written
        },
    )
}

/// Stores a new, decoded object.
pub(crate) async fn create(
    api: &Api,
    path: &ObjectPath,
    mut new: Value,
    dry_run: bool,
) -> Result<Written, ApiError> {
    let kind = path.kind;
    settle_namespace(path, &mut new)?;
    if !object::resource_version(&new).is_empty() {
        return Err(ApiError::BadRequest(
            "resourceVersion should not be set on objects to be created".to_owned(),
        ));
    }
    let now = Timestamp::now();
    prepare_new(kind, &mut new, now);
    if kind.status == StatusRule::Subresource
        && let Some(fields) = new.as_object_mut()
    {
        fields.remove("status");
    }
    let mut taken = Taken::default();
    let mut names_tried = 0;
    for _ in 0..ATTEMPTS {
        let mut attempt = new.clone();
        let generated = generate_name(&mut attempt);
        let in_namespace = namespace_condition(api, path, object::name(&attempt)).await?;
        let cluster = ClusterView {
            network: &api.network,
            taken: &taken,
            dry_run,
        };
        let admitted = kind.rules.create(attempt, &cluster)?;
        let warnings = kind.rules.warnings(&admitted.object)?;
        let name = object::name(&admitted.object).to_owned();
        let key = object_key(kind, path.namespace_or_empty(), &name);
        let mut operations = claim_operations(&admitted.claims, &admitted.object, &timestamp(now));
        let bytes = encode(&stored_form(kind, admitted.object));
        operations.insert(
            0,
            Operation::put(key.clone(), Expectation::Absent, bytes.clone()),
        );
        operations.extend(in_namespace);
        if dry_run {
            operations = as_checks(operations);
        }
        match api.objects.commit(operations).await {
            Ok(revision) => {
                let revision = if dry_run { NOT_STORED } else { revision };
                return Ok(Written {
                    raw: Raw { bytes, revision },
                    warnings,
                });
            }
            Err(WriteError::Failed(error)) => return Err(error),
            Err(WriteError::Conflict(conflict)) if *conflict.key == *key => {
                names_tried += 1;
                if !generated || names_tried == NAME_ATTEMPTS {
                    return Err(ApiError::already_exists(kind, &name));
                }
            }
            // Either a claim, which is avoided next time, or the namespace, which is read again.
            Err(WriteError::Conflict(conflict)) => {
                taken.learn(&conflict.key, &api.objects).await?;
            }
        }
    }
    Err(ApiError::Internal(format!(
        "{} could not be created: others were faster every time",
        kind.kind
    )))
}

/// What the store holds for an object of this kind.
pub(super) fn stored_form(kind: &Kind, object: Value) -> Value {
    match &kind.conversion {
        Some(conversion) => (conversion.to_stored)(object),
        None => object,
    }
}

/// The namespace must exist, must stay as it was read until the object is stored, and must not be
/// going.
async fn namespace_condition(
    api: &Api,
    path: &ObjectPath,
    name: &str,
) -> Result<Option<Operation>, ApiError> {
    let Some(namespace) = path.namespace.as_deref() else {
        return Ok(None);
    };
    let namespaces = kinds()
        .find("", "v1", "namespaces")
        .ok_or(ApiError::NoSuchResource)?;
    let stored = api
        .objects
        .get(namespaces, "", namespace)
        .await?
        .ok_or_else(|| ApiError::not_found(namespaces, namespace))?;
    if object::is_deleting(&stored.object) {
        return Err(terminating(path.kind, name, namespace));
    }
    let key = object_key(namespaces, "", namespace);
    Ok(Some(Operation::check(
        key,
        Expectation::Unchanged(stored.revision),
    )))
}

fn terminating(kind: &Kind, name: &str, namespace: &str) -> ApiError {
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    let cause = json!({
        "reason": "NamespaceTerminating", "field": "metadata.namespace",
        "message": format!("namespace {namespace} is being terminated"),
    });
    let cause = serde_json::from_value(cause).ok().map(Box::new);
    ApiError::Forbidden {
        resource: kind.resource(),
        name: name.to_owned(),
        why,
        cause,
    }
}
