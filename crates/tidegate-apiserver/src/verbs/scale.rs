//! The `scale` subresource: the replica count of a workload, as autoscaling/v1 `Scale`.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use tidegate_model::objects::{Cause, FieldPath};

use super::{
    modify::{Part, Proposal, modify, read},
    name_of,
    patch::apply_generic,
};
use crate::{
    api::Api,
    error::ApiError,
    kinds::Kind,
    object,
    request::{ObjectPath, WriteOptions, negotiate, read_object, read_patch},
};

pub(super) async fn get(
    api: &Api,
    path: &ObjectPath,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    negotiate(headers)?;
    let stored = read(api, path, name_of(path)?).await?;
    Ok(axum::Json(scale_of(&stored.object)).into_response())
}

pub(super) async fn update(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let options = WriteOptions::of(request.uri())?;
    let (parts, body) = request.into_parts();
    let wanted = read_object(&parts.headers, body).await?;
    write(api, &path, options.dry_run()?, |_| Ok(wanted.clone())).await
}

pub(super) async fn patch(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let options = WriteOptions::of(request.uri())?;
    let (parts, body) = request.into_parts();
    let patch = read_patch(&parts.headers, body).await?;
    let name = name_of(&path)?;
    write(api, &path, options.dry_run()?, |scale| {
        apply_generic(path.kind, name, scale, &patch)
    })
    .await
}

async fn write(
    api: &Api,
    path: &ObjectPath,
    dry_run: bool,
    change: impl Fn(Value) -> Result<Value, ApiError>,
) -> Result<Response, ApiError> {
    let name = name_of(path)?;
    let written = modify(api, path, name, Part::Main, dry_run, |old| {
        let scale = change(scale_of(old))?;
        let replicas = wanted_replicas(path.kind, name, &scale)?;
        let mut new = old.clone();
        object::child(&mut new, "spec").insert("replicas".to_owned(), json!(replicas));
        let version = object::resource_version(&scale);
        if !version.is_empty() {
            object::metadata(&mut new).insert("resourceVersion".to_owned(), json!(version));
        }
        Ok(Proposal {
            object: new,
            warnings: Vec::new(),
        })
    })
    .await?;
    Ok(axum::Json(scale_of(&written.raw.parse()?)).into_response())
}

fn wanted_replicas(kind: &Kind, name: &str, scale: &Value) -> Result<i32, ApiError> {
    let path = FieldPath::root("spec").child("replicas");
    let invalid = |cause| ApiError::invalid(kind, name, vec![cause]);
    match object::at(scale, &["spec", "replicas"]) {
        // Upstream's type has no "unset": an absent count is 0.
        None | Some(Value::Null) => Ok(0),
        Some(value) => {
            let replicas = value.as_i64().and_then(|count| i32::try_from(count).ok());
            let problem = "must be greater than or equal to 0";
            replicas
                .filter(|count| *count >= 0)
                .ok_or_else(|| invalid(Cause::invalid(&path, value.clone(), problem)))
        }
    }
}

fn scale_of(object: &Value) -> Value {
    let metadata = |field: &str| {
        object::at(object, &["metadata", field])
            .cloned()
            .unwrap_or_default()
    };
    let count = |path: &[&str]| {
        object::at(object, path)
            .and_then(Value::as_i64)
            .unwrap_or(0)
    };
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata("name"), "namespace": metadata("namespace"), "uid": metadata("uid"),
            "resourceVersion": metadata("resourceVersion"),
            "creationTimestamp": metadata("creationTimestamp"),
        },
        "spec": {"replicas": count(&["spec", "replicas"])},
        "status": {
            "replicas": count(&["status", "replicas"]),
            "selector": selector_text(object::at(object, &["spec", "selector"])),
        },
    })
}

/// A label selector in the form that a list request takes.
fn selector_text(selector: Option<&Value>) -> String {
    let labels = selector
        .and_then(|selector| selector.get("matchLabels"))
        .and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let equalities =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let expressions = selector
        .and_then(|selector| selector.get("matchExpressions"))
        .and_then(Value::as_array);
    let sets = expressions.into_iter().flatten().map(|expression| {
        let key = object::text(expression, &["key"]);
        let values = object::strings(expression, &["values"]).join(",");
        match object::text(expression, &["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        }
    });
    equalities.chain(sets).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_shows_wanted_and_actual_counts() {
        let scale = scale_of(&json!({
            "metadata": {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "5"},
            "spec": {"replicas": 3, "selector": {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["a", "b"]},
                    {"key": "old", "operator": "DoesNotExist"}
                ]}},
            "status": {"replicas": 2},
        }));
        assert_eq!(scale["spec"]["replicas"], 3);
        assert_eq!(
            scale["status"],
            json!({"replicas": 2, "selector": "app=web,tier in (a,b),!old"})
        );
    }
}
