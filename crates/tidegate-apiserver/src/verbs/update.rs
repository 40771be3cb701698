//! update (PUT).

use axum::{body::Body, response::Response};
use http::{Request, StatusCode};
use serde_json::Value;

use super::{
    Written, decode, judge_unknown,
    modify::{Part, Proposal, modify},
    name_of, written_response,
};
use crate::{
    api::Api,
    error::ApiError,
    request::{ObjectPath, WriteOptions, read_object},
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
    let decoded = decode(path.kind, read_object(&parts.headers, body).await?)?;
    let warnings = judge_unknown(validation, &decoded.unknown, path.kind)?;
    let name = name_of(&path)?;
    let written = modify(api, &path, name, part, options.dry_run()?, |_| {
        Ok(Proposal {
            object: decoded.object.clone(),
            warnings: warnings.clone(),
        })
    })
    .await?;
    written_response(&view, StatusCode::OK, &written)
}

/// Puts a decoded object in place of the stored one.
pub(crate) async fn replace(
    api: &Api,
    path: &ObjectPath,
    name: &str,
    object: &Value,
) -> Result<Written, ApiError> {
    modify(api, path, name, Part::Main, false, |_| {
        Ok(Proposal {
            object: object.clone(),
            warnings: Vec::new(),
        })
    })
    .await
}
