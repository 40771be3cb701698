//! `pods/binding` (a scheduler gives a pod its node) and `pods/eviction` (an orderly deletion).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{
    delete::delete,
    modify::{Part, Proposal, modify},
    name_of,
};
use crate::{
    api::Api,
    error::ApiError,
    object,
    request::{DeleteOptions, ObjectPath, WriteOptions, read_object},
};

/// Puts a pod on the node that the Binding names.
pub(super) async fn bind(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let options = WriteOptions::of(request.uri())?;
    let (parts, body) = request.into_parts();
    let binding = read_object(&parts.headers, body).await?;
    let node = object::text(&binding, &["target", "name"]).to_owned();
    if node.is_empty() {
        return Err(ApiError::BadRequest(
            "target.name: Required value".to_owned(),
        ));
    }
    let name = name_of(&path)?;
    modify(api, &path, name, Part::Server, options.dry_run()?, |pod| {
        let mut bound = pod.clone();
        check_bindable(&path, name, pod, &node)?;
        object::child(&mut bound, "spec").insert("nodeName".to_owned(), json!(node));
        mark_scheduled(&mut bound);
        Ok(Proposal {
            object: bound,
            warnings: Vec::new(),
        })
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(success())).into_response())
}

fn check_bindable(path: &ObjectPath, name: &str, pod: &Value, node: &str) -> Result<(), ApiError> {
    let why = if object::is_deleting(pod) {
        format!("pod {name} is being deleted, cannot be assigned to a host")
    } else {
        match object::text(pod, &["spec", "nodeName"]) {
            "" => return Ok(()),
            taken => format!("pod {name} is already assigned to node {taken:?} (wanted: {node:?})"),
        }
    };
    Err(ApiError::conflict(path.kind, name, why))
}

fn mark_scheduled(pod: &mut Value) {
    let status = object::child(pod, "status");
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if let Some(conditions) = conditions.as_array_mut() {
        conditions.retain(|condition| object::text(condition, &["type"]) != "PodScheduled");
        conditions.push(json!({
            "type": "PodScheduled", "status": "True",
            "lastTransitionTime": super::metadata::timestamp(jiff::Timestamp::now()),
        }));
    }
}

/// Deletes a pod as its owner would. There are no disruption budgets that could forbid it.
pub(super) async fn evict(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let eviction = read_object(&parts.headers, body).await?;
    let options = match eviction.get("deleteOptions") {
        None | Some(Value::Null) => DeleteOptions::default(),
        Some(options) => serde_json::from_value(options.clone()).map_err(|error| {
            ApiError::BadRequest(format!("deleteOptions can't be read: {error}"))
        })?,
    };
    delete(api, &path, name_of(&path)?, &options).await?;
    Ok((StatusCode::CREATED, axum::Json(success())).into_response())
}

fn success() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}
