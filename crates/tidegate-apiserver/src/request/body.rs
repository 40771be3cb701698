//! Reading bodies: JSON, YAML or (some) protobuf, with a limit on size and depth.
//!
//! The limit is etcd's and upstream's for one request. `serde_json` refuses nesting deeper than
//! 128, `serde-saphyr` keeps a budget for nesting, anchors and aliases, so that no short text can
//! grow into a large value.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::protobuf::{ProtobufError, from_protobuf};
use crate::error::ApiError;

/// The largest body that is read.
const LIMIT_BYTES: usize = 3 * 1024 * 1024;

/// How long a client may take to send it.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// How a PATCH body is to be understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PatchBody {
    /// RFC 6902.
    Json(json_patch::Patch),
    /// RFC 7396.
    Merge(Value),
    /// Kubernetes' own: lists are merged by key.
    Strategic(Value),
}

/// Reads an object.
///
/// # Errors
/// Too large, not readable, or in a media type that is not known.
pub(crate) async fn read_object(headers: &HeaderMap, body: Body) -> Result<Value, ApiError> {
    let content_type = media_type(headers);
    let bytes = read(body).await?;
    if bytes.is_empty() {
        return Err(ApiError::BadRequest("the request has no body".to_owned()));
    }
    match content_type.as_str() {
        "" | "application/json" => from_json(&bytes),
        "application/yaml" | "application/x-yaml" | "text/yaml" => from_yaml(&bytes),
        PROTOBUF => protobuf(&bytes),
        other => Err(ApiError::UnsupportedMediaType(format!(
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml (got {other})"
        ))),
    }
}

/// Reads options that may come in the body or not at all.
pub(crate) async fn read_optional<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let content_type = media_type(headers);
    let bytes = read(body).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    let value = match content_type.as_str() {
        PROTOBUF => protobuf(&bytes)?,
        yaml if yaml.ends_with("yaml") => from_yaml(&bytes)?,
        _ => from_json(&bytes)?,
    };
    serde_json::from_value(value)
        .map_err(|error| ApiError::BadRequest(format!("the body can't be read: {error}")))
}

/// Reads a patch.
///
/// # Errors
/// As [`read_object`]; server-side apply is named as what is missing.
pub(crate) async fn read_patch(headers: &HeaderMap, body: Body) -> Result<PatchBody, ApiError> {
    let content_type = media_type(headers);
    let bytes = read(body).await?;
    match content_type.as_str() {
        "application/json-patch+json" => serde_json::from_slice(&bytes)
            .map(PatchBody::Json)
            .map_err(|error| ApiError::BadRequest(format!("error decoding patch: {error}"))),
        "application/merge-patch+json" => from_json(&bytes).map(PatchBody::Merge),
        "application/strategic-merge-patch+json" => from_json(&bytes).map(PatchBody::Strategic),
        "application/apply-patch+yaml" | "application/apply-patch+cbor" => {
            Err(ApiError::UnsupportedMediaType(
                "server-side apply is not supported by this server: use `kubectl apply` without --server-side"
                    .to_owned(),
            ))
        }
        other => Err(ApiError::UnsupportedMediaType(format!(
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json (got {other})"
        ))),
    }
}

fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .map(|text| text.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    let collected = Limited::new(body, LIMIT_BYTES).collect();
    match timeout(READ_TIMEOUT, collected)
        .await
        .map_err(|_| ApiError::SlowBody)?
    {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(ApiError::TooLarge { limit: LIMIT_BYTES })
        }
        Err(error) => Err(ApiError::BadRequest(format!(
            "the body of the request ended early: {error}"
        ))),
    }
}

fn from_json(bytes: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ApiError::BadRequest(format!("the body is not valid JSON: {error}")))
}

fn from_yaml(bytes: &[u8]) -> Result<Value, ApiError> {
    serde_saphyr::from_slice(bytes)
        .map_err(|error| ApiError::BadRequest(format!("the body is not valid YAML: {error}")))
}

fn protobuf(bytes: &[u8]) -> Result<Value, ApiError> {
    from_protobuf(bytes).map_err(|error| match error {
        ProtobufError::Kind { .. } | ProtobufError::Field { .. } => {
            ApiError::UnsupportedMediaType(error.to_string())
        }
        _ => ApiError::BadRequest(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn headers(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[tokio::test]
    async fn json_and_yaml_give_the_same_object() {
        let wanted = json!({"kind": "Service", "spec": {"ports": [{"port": 80}]}});
        let text = "kind: Service\nspec:\n  ports:\n  - port: 80\n";
        let yaml = read_object(&headers("application/yaml"), Body::from(text)).await;
        assert_eq!(yaml.expect("yaml"), wanted);
        let text = wanted.to_string();
        let json = read_object(
            &headers("application/json; charset=utf-8"),
            Body::from(text),
        )
        .await;
        assert_eq!(json.expect("json"), wanted);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let body = Body::from(vec![b' '; LIMIT_BYTES + 1]);
        let answer = read_object(&headers("application/json"), body).await;
        assert!(matches!(answer, Err(ApiError::TooLarge { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let endless = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let answer = read_object(&headers(""), Body::from_stream(endless)).await;
        assert!(matches!(answer, Err(ApiError::SlowBody)));
    }

    #[tokio::test]
    async fn nesting_without_end_is_refused_not_followed() {
        let deep = "[".repeat(100_000);
        let json = read_object(&headers("application/json"), Body::from(deep.clone())).await;
        assert!(matches!(json, Err(ApiError::BadRequest(_))));
        let yaml = read_object(&headers("application/yaml"), Body::from(deep)).await;
        assert!(matches!(yaml, Err(ApiError::BadRequest(_))));
    }

    #[tokio::test]
    async fn aliases_that_multiply_are_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = level - 1;
            text.push_str(&format!(
                "a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}, *a{below}, *a{below}, *a{below}, *a{below}]\n"
            ));
        }
        let answer = read_object(&headers("application/yaml"), Body::from(text)).await;
        assert!(matches!(answer, Err(ApiError::BadRequest(_))));
    }

    #[tokio::test]
    async fn other_formats_are_named_as_unsupported() {
        let answer = read_object(&headers("application/cbor"), Body::from("x")).await;
        assert!(matches!(answer, Err(ApiError::UnsupportedMediaType(_))));
    }
}
