//! patch: a change described by its difference.

use axum::{body::Body, response::Response};
use http::{Request, StatusCode};
use serde_json::Value;
use tidegate_model::{
    merge::{kind_schema, strategic_merge},
    objects::{Cause, FieldPath},
};

use super::{
    decode,
    json_patch::{self, JsonPatchError},
    judge_unknown,
    modify::{Part, Proposal, modify},
    name_of, written_response,
};
use crate::{
    api::Api,
    error::ApiError,
    kinds::Kind,
    request::{ObjectPath, PatchBody, WriteOptions, read_patch},
    respond::View,
};

pub(super) async fn answer(
    api: &Api,
    path: ObjectPath,
    part: Part,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let options = WriteOptions::of(request.uri())?;
    let validation = options.field_validation()?;
    let view = View::of(path.kind, request.headers(), None)?;
    let (parts, body) = request.into_parts();
    let patch = read_patch(&parts.headers, body).await?;
    let name = name_of(&path)?;
    let kind = path.kind;
    let written = modify(api, &path, name, part, options.dry_run()?, |old| {
        let patched = apply(kind, name, old.clone(), &patch)?;
        let decoded = decode(kind, patched)?;
        let warnings = judge_unknown(validation, &decoded.unknown, kind)?;
        Ok(Proposal {
            object: decoded.object,
            warnings,
        })
    })
    .await?;
    written_response(&view, StatusCode::OK, &written)
}

/// Applies a patch to an object of a kind.
fn apply(kind: &Kind, name: &str, object: Value, patch: &PatchBody) -> Result<Value, ApiError> {
    match patch {
        PatchBody::Strategic(patch) => {
            strategic_merge(kind_schema(kind.group, kind.kind), object, patch.clone())
                .map_err(|error| ApiError::BadRequest(error.to_string()))
        }
        other => apply_generic(kind, name, object, other),
    }
}

/// Applies a patch to an object without lists (for which strategic and plain merge are the same).
pub(super) fn apply_generic(
    kind: &Kind,
    name: &str,
    mut object: Value,
    patch: &PatchBody,
) -> Result<Value, ApiError> {
    match patch {
        PatchBody::Json(patch) => {
            return json_patch::apply(object, patch).map_err(|error| refused(kind, name, &error));
        }
        PatchBody::Merge(patch) | PatchBody::Strategic(patch) => {
            ::json_patch::merge(&mut object, patch);
        }
    }
    Ok(object)
}

fn refused(kind: &Kind, name: &str, error: &JsonPatchError) -> ApiError {
    match error {
        JsonPatchError::Operation(failed) => {
            let path = FieldPath::root("patch");
            let cause = Cause::invalid(&path, failed.path.to_string(), error.to_string());
            ApiError::invalid(kind, name, vec![cause])
        }
        _ => ApiError::BadRequest(error.to_string()),
    }
}
