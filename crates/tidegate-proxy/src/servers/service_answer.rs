//! What a load balancer hears at a Service's `healthCheckNodePort`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidegate_model::{ServiceKey, ServiceRole, Snapshot, TrafficPolicy};

use crate::ProxyView;

/// How many of the Service's ready endpoints are on this node: load balancers weigh nodes by it.
const WEIGHT_HEADER: &str = "x-load-balancing-endpoint-weight";

/// The port that a Service wants to be asked at, if it wants one.
pub(super) fn port(snapshot: &Snapshot, key: &ServiceKey) -> Option<u16> {
    let service = snapshot.service(key)?;
    let served = service.role == ServiceRole::Balanced && service.proxy_name.is_none();
    let local = service.external_policy == TrafficPolicy::Local;
    let port = service.health_check_node_port?;
    (served && local).then_some(port.0)
}

/// How many ready endpoints a Service has on a node. Those that terminate don't count, though they
/// may still be served: nothing new should come here for them.
pub(super) fn local_endpoints(snapshot: &Snapshot, key: &ServiceKey, node: &str) -> usize {
    let endpoints = snapshot.slices(key).flat_map(|slice| slice.endpoints);
    let local = endpoints.filter(|endpoint| endpoint.node.as_deref() == Some(node));
    let ready: BTreeSet<IpAddr> = local
        .filter(|endpoint| endpoint.ready)
        .map(|endpoint| endpoint.ip)
        .collect();
    ready.len()
}

/// The answer, in upstream's words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    service: Named<'a>,
    local_endpoints: usize,
    service_proxy_healthy: bool,
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    namespace: &'a str,
    name: &'a str,
}

/// Answers any path.
pub(super) fn router(service: ServiceKey, local: Arc<AtomicUsize>, view: ProxyView) -> Router {
    Router::new().fallback(async move || answer(&service, local.load(Ordering::Relaxed), &view))
}

fn answer(service: &ServiceKey, local_endpoints: usize, view: &ProxyView) -> Response {
    let service_proxy_healthy = view.is_healthy();
    let status = match local_endpoints > 0 && service_proxy_healthy {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let headers = [
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::HeaderName::from_static(WEIGHT_HEADER),
            HeaderValue::from(local_endpoints),
        ),
    ];
    let body = Body {
        service: Named {
            namespace: &service.namespace,
            name: &service.name,
        },
        local_endpoints,
        service_proxy_healthy,
    };
    (status, headers, axum::Json(body)).into_response()
}
