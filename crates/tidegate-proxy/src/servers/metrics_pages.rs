//! The metrics server: `/metrics`, `/metrics/slis`, `/proxyMode` and what else operators look at.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde_json::json;
use tidegate_dataplane::CleanUps;
use tidegate_pages::METRICS_TYPE;
use tokio::task::spawn_blocking;

use super::Pages;
use super::status_pages::{flagz, statusz};
use crate::ProxyView;
use crate::metrics::{render, render_process, render_slis};

/// Under this name the configuration stands in `/configz`.
const CONFIG_GROUP: &str = "kubeproxy.config.k8s.io";

/// Says why the mode is this one, beside `/proxyMode`'s plain answer.
const REASON_HEADER: &str = "x-proxy-mode-reason";

#[derive(Clone)]
struct Asked {
    view: ProxyView,
    pages: Pages,
    started: Timestamp,
}

pub(super) fn router(view: ProxyView, pages: Pages, started: Timestamp) -> Router {
    Router::new()
        .route("/metrics", any(metrics))
        .route("/metrics/slis", any(slis))
        .route("/healthz", any(healthz))
        .route("/proxyMode", any(proxy_mode))
        .route("/configz", any(configz))
        .route(
            "/flagz",
            any(async |State(asked): State<Asked>| flagz(&asked.pages)),
        )
        .route(
            "/statusz",
            any(async |State(asked): State<Asked>| {
                statusz(&asked.view, &asked.pages, asked.started)
            }),
        )
        .with_state(Asked {
            view,
            pages,
            started,
        })
}

async fn metrics(State(asked): State<Asked>) -> Response {
    let gauges = asked.view.gauges().await;
    let page = render(
        &asked.view.metrics,
        &asked.view.unread.backlog(),
        &gauges,
        &CleanUps::so_far(),
    );
    // Counting open files takes a while where there are many.
    let of_process = spawn_blocking(render_process).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, METRICS_TYPE)], page + &of_process).into_response()
}

/// The counts of [`healthz`]; `DELETE` begins them anew, as upstream.
async fn slis(State(asked): State<Asked>, method: Method) -> Response {
    if method == Method::DELETE {
        asked.view.metrics.forget_pings();
        return "metrics reset\n".into_response();
    }
    let page = render_slis(asked.view.metrics.pings());
    ([(header::CONTENT_TYPE, METRICS_TYPE)], page).into_response()
}

/// Whether this server answers: what upstream has here, beside the proxy's own health elsewhere.
async fn healthz(State(asked): State<Asked>) -> &'static str {
    asked.view.metrics.answered_ping();
    "ok"
}

/// The mode's name and nothing else, as upstream; `?why` adds the reason.
async fn proxy_mode(State(asked): State<Asked>, RawQuery(query): RawQuery) -> Response {
    let status = asked.view.status.borrow().clone();
    let body = match query.as_deref() {
        Some("why") => {
            let rejected = status.rejected.iter();
            let rejected = rejected.map(|why| format!("asked for last, but rejected: {why}\n"));
            let rejected: String = rejected.collect();
            format!("{}: {}\n{rejected}", status.mode, status.reason)
        }
        _ => status.mode.to_owned(),
    };
    let reason = status.reason.replace(
        |letter: char| !letter.is_ascii() || letter.is_ascii_control(),
        " ",
    );
    ([(REASON_HEADER, reason)], body).into_response()
}

async fn configz(State(asked): State<Asked>) -> axum::Json<serde_json::Value> {
    axum::Json(json!({ CONFIG_GROUP: (asked.pages.configuration)() }))
}
