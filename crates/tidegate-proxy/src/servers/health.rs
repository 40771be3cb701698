//! `/healthz` and `/livez`: whether this proxy keeps up, as load balancers and kubelets ask.
//!
//! `/healthz` is for load balancers: a node on its way out answers 503 there, so that no new
//! connections come. `/livez` is for whoever would restart the proxy, which helps no such node.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde::Serialize;
use tidegate_model::IpFamily;

use crate::ProxyView;

#[derive(Clone)]
struct Asked {
    view: ProxyView,
    families: Vec<IpFamily>,
}

/// The answer, in upstream's words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    last_updated: Timestamp,
    current_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_eligible: Option<bool>,
    healthy: bool,
    status: BTreeMap<String, FamilyHealth>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FamilyHealth {
    last_updated: Timestamp,
    healthy: bool,
}

pub(super) fn router(view: ProxyView, families: Vec<IpFamily>) -> Router {
    Router::new()
        .route("/healthz", any(healthz))
        .route("/livez", any(livez))
        .with_state(Asked { view, families })
}

async fn healthz(State(asked): State<Asked>) -> Response {
    let eligible = asked.view.is_node_eligible();
    let (status, response) = asked.answer(Some(eligible));
    asked.view.metrics.answered_healthz(status.as_u16());
    response
}

async fn livez(State(asked): State<Asked>) -> Response {
    let (status, response) = asked.answer(None);
    asked.view.metrics.answered_livez(status.as_u16());
    response
}

impl Asked {
    fn answer(&self, node_eligible: Option<bool>) -> (StatusCode, Response) {
        let keeps_up = self.view.is_healthy();
        let healthy = keeps_up && node_eligible.unwrap_or(true);
        let current_time = Timestamp::now();
        let last_updated = match keeps_up {
            // Upstream: whoever is healthy was updated just now, for clients of old.
            true => current_time,
            false => self.view.status.borrow().last_updated.unwrap_or_default(),
        };
        let of_family = FamilyHealth {
            last_updated,
            healthy: keeps_up,
        };
        let families = self.families.iter();
        let health = Health {
            last_updated,
            current_time,
            node_eligible,
            healthy,
            status: families
                .map(|family| (family.to_string(), of_family.clone()))
                .collect(),
        };
        let status = match healthy {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        let headers = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        (
            status,
            (status, headers, axum::Json(health)).into_response(),
        )
    }
}
