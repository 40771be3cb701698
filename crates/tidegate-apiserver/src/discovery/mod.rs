//! Discovery: how clients learn which kinds there are, from the same table that serves them.

mod aggregated;
mod classic;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use crate::{
    error::ApiError,
    kinds::kinds,
    request::{ApiPath, Shape, negotiate},
};

/// Verbs that every kind has, in upstream's (alphabetical) order.
const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// Answers a discovery path.
///
/// # Errors
/// Unknown groups, and representations that discovery doesn't have.
pub(crate) fn answer(path: &ApiPath, headers: &HeaderMap) -> Result<Response, ApiError> {
    let shape = negotiate(headers)?.shape;
    let aggregated = shape == Shape::AggregatedDiscovery;
    let value = match path {
        ApiPath::CoreVersions if aggregated => return Ok(aggregated_response(true)),
        ApiPath::Groups if aggregated => return Ok(aggregated_response(false)),
        ApiPath::CoreVersions => classic::core_versions(),
        ApiPath::Groups => classic::groups(kinds()),
        ApiPath::Group(group) => classic::group(kinds(), group).ok_or(ApiError::NoSuchResource)?,
        ApiPath::Resources { group, version } => {
            classic::resources(kinds(), group, version).ok_or(ApiError::NoSuchResource)?
        }
        ApiPath::Objects(_) => return Err(ApiError::NoSuchResource),
    };
    Ok(axum::Json(value).into_response())
}

fn aggregated_response(core: bool) -> Response {
    let value: Value = aggregated::groups(kinds(), core);
    let mut response = axum::Json(value).into_response();
    let content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
