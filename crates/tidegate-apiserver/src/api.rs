//! What every handler works with, and the way from a request to the handler that answers it.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Method, Request};
use tidegate_model::service_api::ServiceNetwork;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    authorize::authorize,
    discovery,
    error::ApiError,
    identity::Identity,
    kinds::kinds,
    pod_access::PodAccess,
    request::{ApiPath, parse_path},
    storage::Objects,
    verbs,
};

/// Open watches at one time. Each costs a few kilobytes and a place in the store's fan-out; the
/// limit keeps a client that never closes any from taking the machine down.
const MAX_WATCHES: usize = 4096;

/// Commands in containers at one time. Each is a connection with a few hundred kilobytes of buffers
/// and processes on the node.
const MAX_COMMANDS: usize = 256;

/// The server's state: nothing but handles. Everything that lasts is in the store.
pub(crate) struct Api {
    pub(crate) objects: Objects,
    pub(crate) pods: Arc<dyn PodAccess>,
    pub(crate) network: ServiceNetwork,
    pub(crate) watches: Arc<Semaphore>,
    pub(crate) commands: Arc<Semaphore>,
    /// Cancelled when the server stops: watches, followed logs and commands end then.
    pub(crate) shutdown: CancellationToken,
}

impl Api {
    pub(crate) fn new(
        objects: Objects,
        pods: Arc<dyn PodAccess>,
        network: ServiceNetwork,
        shutdown: CancellationToken,
    ) -> Self {
        let watches = Arc::new(Semaphore::new(MAX_WATCHES));
        Self {
            objects,
            pods,
            network,
            watches,
            commands: Arc::new(Semaphore::new(MAX_COMMANDS)),
            shutdown,
        }
    }
}

/// Answers a request under `/api` or `/apis`.
pub(crate) async fn answer(api: &Api, request: Request<Body>) -> Response {
    match route(api, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn route(api: &Api, request: Request<Body>) -> Result<Response, ApiError> {
    let identity = request
        .extensions()
        .get::<Identity>()
        .ok_or(ApiError::Unauthorized)?;
    authorize(identity, request.method(), request.uri().path())?;
    let path = parse_path(kinds(), request.uri().path())?;
    match path {
        ApiPath::Objects(path) => verbs::dispatch(api, path, request).await,
        _ if request.method() != Method::GET => Err(ApiError::MethodNotAllowed),
        path => discovery::answer(&path, request.headers()),
    }
}
