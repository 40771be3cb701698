//! OpenAPI v3: what `kubectl explain` shows, and what tells kubectl that this server checks
//! unknown fields itself.
//!
//! One document for each group and version, made from the table of kinds and the schemas of their
//! Rust types. Documents are large and seldom read, so they are made on request; only their hashes
//! are kept. Clients put the hash into the address and then keep the document for good.

mod document;
mod operations;

use std::{collections::BTreeMap, sync::OnceLock};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::document::document;
use crate::{error::ApiError, kinds::kinds, request::negotiate};

const FOREVER: HeaderValue = HeaderValue::from_static("public, immutable");

/// `/openapi/v3`: which documents there are.
pub(crate) fn index() -> Value {
    let paths: BTreeMap<String, Value> = hashes()
        .iter()
        .map(|(path, hash)| {
            (
                path.clone(),
                json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}),
            )
        })
        .collect();
    json!({"paths": paths})
}

/// `/openapi/v3/PATH`: one of them.
///
/// # Errors
/// Unknown paths; clients that take protobuf only.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    negotiate(headers)?;
    let (group, version) = kinds()
        .group_versions()
        .into_iter()
        .find(|(group, version)| document_path(group, version) == path)
        .ok_or(ApiError::NoSuchResource)?;
    let mut response = axum::Json(document(kinds(), group, version)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, FOREVER);
    if let Some(Ok(tag)) = hashes().get(path).map(|hash| format!("\"{hash}\"").parse()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

fn document_path(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

fn hashes() -> &'static BTreeMap<String, String> {
    static HASHES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    HASHES.get_or_init(|| {
        let documents = kinds().group_versions().into_iter();
        documents
            .map(|(group, version)| {
                let text = document(kinds(), group, version).to_string();
                (
                    document_path(group, version),
                    format!("{:X}", Sha256::digest(text)),
                )
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_every_group_version_with_its_hash() {
        let index = index();
        for path in ["api/v1", "apis/apps/v1", "apis/discovery.k8s.io/v1"] {
            let url = index["paths"][path]["serverRelativeURL"]
                .as_str()
                .expect(path);
            assert!(
                url.starts_with(&format!("/openapi/v3/{path}?hash=")),
                "{url}"
            );
        }
    }

    #[test]
    fn kubectl_finds_that_the_server_validates_fields() {
        let document = document(kinds(), "apps", "v1");
        let patch =
            &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert_eq!(
            patch["x-kubernetes-group-version-kind"],
            json!({"group": "apps", "kind": "Deployment", "version": "v1"})
        );
        let names: Vec<_> = patch["parameters"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|p| p["name"].clone())
            .collect();
        assert!(names.contains(&json!("fieldValidation")), "{names:?}");
    }

    #[test]
    fn schemas_carry_kinds_and_merge_keys() {
        let document = document(kinds(), "", "v1");
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["io.k8s.api.core.v1.Service"]["x-kubernetes-group-version-kind"],
            json!([{"group": "", "kind": "Service", "version": "v1"}])
        );
        let ports = &schemas["io.k8s.api.core.v1.ServiceSpec"]["properties"]["ports"];
        assert_eq!(ports["x-kubernetes-patch-merge-key"], "port");
        assert_eq!(ports["x-kubernetes-patch-strategy"], "merge");
        assert_eq!(
            ports["items"]["$ref"],
            "#/components/schemas/io.k8s.api.core.v1.ServicePort"
        );
    }
}
