//! The paths of the server: health, version, OpenAPI, and everything under `/api` and `/apis`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, Request, request::Parts};

use crate::{
    api::{Api, answer},
    error::ApiError,
    identity::Identity,
    openapi,
    version::version,
};

/// All routes. Who is asking must be in the request's extensions; health and version need nobody.
pub(crate) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/healthz", get(healthy))
        .route("/livez", get(healthy))
        .route("/readyz", get(healthy))
        .route("/version", get(async || axum::Json(version())))
        .route(
            "/openapi/v3",
            get(async |_: Known| axum::Json(openapi::index())),
        )
        .route("/openapi/v3/{*path}", get(openapi_document))
        .route("/api", get(objects))
        .route("/apis", get(objects))
        .route("/api/{*rest}", axum::routing::any(objects))
        .route("/apis/{*rest}", axum::routing::any(objects))
        .fallback(async || ApiError::NoSuchResource)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(api)
}

async fn objects(State(api): State<Arc<Api>>, request: Request<Body>) -> Response {
    answer(&api, request).await
}

async fn openapi_document(
    _: Known,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    openapi::answer(&path, &headers)
}

/// Lets only clients pass that said who they are.
struct Known;

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Identity>()
            .map(|_| Self)
            .ok_or(ApiError::Unauthorized)
    }
}

/// A server that answers is healthy: it opened its store and its port before it began.
async fn healthy() -> impl IntoResponse {
    "ok"
}
