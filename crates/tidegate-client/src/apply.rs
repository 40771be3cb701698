//! Makes the server's objects what manifests say.

use http::Method;
use serde_json::{Value, json};

use crate::connect::Connection;
use crate::manifest::Manifest;
use crate::merge::{LAST_APPLIED, three_way};
use crate::resource::Body;
use crate::{ClientError, Kinds, Resource};

const JSON: &str = "application/json";

/// What an apply did to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is new.
    Created,
    /// It was there and is different now.
    Configured,
    /// It was there as the manifest says.
    Unchanged,
}

/// Applies one manifest: creates the object, or changes what differs from the manifest. What the
/// last apply said and this one doesn't is removed; what no apply ever said stays.
///
/// Objects without a namespace of their own go to `namespace`.
///
/// # Errors
/// The server has no such kind, refuses the object, or doesn't answer.
pub async fn apply(
    connection: &Connection,
    kinds: &Kinds,
    namespace: &str,
    manifest: &Manifest,
) -> Result<Applied, ClientError> {
    let kind = kinds.of_manifest(manifest)?;
    let resource = Resource::new(kind, Some(manifest.namespace().unwrap_or(namespace)));
    apply_to(connection, &resource, &manifest.object)
        .await
        .map_err(|source| ClientError::AtManifest {
            place: manifest.place.clone(),
            source: Box::new(source),
        })
}

async fn apply_to(
    connection: &Connection,
    resource: &Resource,
    manifest: &Value,
) -> Result<Applied, ClientError> {
    let wanted = with_last_applied(manifest);
    let Some(name) = manifest.pointer("/metadata/name").and_then(Value::as_str) else {
        create(connection, resource, manifest).await?;
        return Ok(Applied::Created);
    };
    let path = resource.path(Some(name));
    let live: Value = match connection.send(Method::GET, &path, JSON, None).await {
        Ok(live) => live,
        Err(error) if error.is_not_found() => {
            create(connection, resource, &wanted).await?;
            return Ok(Applied::Created);
        }
        Err(error) => return Err(error),
    };
    let patch = three_way(&last_applied(&live), &wanted, &live);
    if patch == json!({}) {
        return Ok(Applied::Unchanged);
    }
    let body = Body {
        content_type: "application/merge-patch+json",
        value: &patch,
    };
    let _: Value = connection
        .send(Method::PATCH, &strictly(path), JSON, Some(body))
        .await?;
    Ok(Applied::Configured)
}

async fn create(
    connection: &Connection,
    resource: &Resource,
    object: &Value,
) -> Result<(), ClientError> {
    let body = Body {
        content_type: JSON,
        value: object,
    };
    let _: Value = connection
        .send(
            Method::POST,
            &strictly(resource.path(None)),
            JSON,
            Some(body),
        )
        .await?;
    Ok(())
}

/// A misspelt field is refused instead of dropped.
fn strictly(path: String) -> String {
    path + "?fieldValidation=Strict"
}

fn with_last_applied(manifest: &Value) -> Value {
    let mut wanted = manifest.clone();
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(LAST_APPLIED.to_owned(), json!(manifest.to_string()));
        }
    }
    wanted
}

fn last_applied(live: &Value) -> Value {
    let annotations = live.pointer("/metadata/annotations");
    let text = annotations
        .and_then(|all| all.get(LAST_APPLIED))
        .and_then(Value::as_str);
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}
