//! `/health`, `/ready` and `/metrics`, where CoreDNS has them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tidegate_dns_config::ListenAddress;
use tidegate_pages::{METRICS_TYPE, keep_serving, listen};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What the pages are about.
pub(crate) struct Health {
    /// Set while the server ends: others shall stop sending queries here.
    pub(crate) is_leaving: AtomicBool,
    /// Set once everything was ready, for those who want to know no more.
    was_ready: AtomicBool,
    /// Which parts aren't ready.
    pub(crate) unready: Box<dyn Fn() -> Vec<&'static str> + Send + Sync>,
    /// The metrics.
    pub(crate) metrics: Box<dyn Fn() -> String + Send + Sync>,
}

impl Health {
    pub(crate) fn new(
        unready: impl Fn() -> Vec<&'static str> + Send + Sync + 'static,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            is_leaving: AtomicBool::new(false),
            was_ready: AtomicBool::new(false),
            unready: Box::new(unready),
            metrics: Box::new(metrics),
        }
    }
}

/// The servers of the pages, each at an address of its own. They end with this.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    running: Vec<(Purpose, ListenAddress, Running)>,
}

#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// What a server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Health,
    /// Whether readiness is asked again after it was reached.
    Ready {
        continuously: bool,
    },
    Metrics,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Pages {
    /// Serves at these addresses from now on, and at no others. One that is taken is tried again
    /// until it is free.
    pub(crate) async fn serve(
        &mut self,
        wanted: &[(Purpose, ListenAddress)],
        health: &Arc<Health>,
    ) {
        let (keep, end): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|(purpose, address, _)| wanted.contains(&(*purpose, *address)));
        self.running = keep;
        for (_, _, mut running) in end {
            running.tasks.shutdown().await;
        }
        for (purpose, address) in wanted {
            let is_there =
                |(one, at, _): &(Purpose, ListenAddress, Running)| one == purpose && at == address;
            if !self.running.iter().any(is_there) {
                let running = start(*purpose, *address, Arc::clone(health));
                self.running.push((*purpose, *address, running));
            }
        }
    }
}

fn start(purpose: Purpose, at: ListenAddress, health: Arc<Health>) -> Running {
    let everywhere = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let address = SocketAddr::new(at.host.unwrap_or(everywhere), at.port);
    let listener = match listen(address) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%address, %error, "{} can't be served yet; trying again", purpose.name());
            None
        }
    };
    let router = purpose.router(health);
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(keep_serving(listener, address, router, stop.clone()));
    Running { stop, tasks }
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Ready { .. } => "readiness",
            Self::Metrics => "metrics",
        }
    }

    fn router(self, health: Arc<Health>) -> Router {
        let router = Router::new();
        match self {
            Self::Health => router.route("/health", any(answer_health)),
            Self::Metrics => router.route("/metrics", any(answer_metrics)),
            Self::Ready { continuously } => router.route(
                "/ready",
                any(move |State(health): State<Arc<Health>>| async move {
                    answer_ready(&health, continuously)
                }),
            ),
        }
        .with_state(health)
    }
}

/// Whether the process answers: 503 while it ends.
async fn answer_health(State(health): State<Arc<Health>>) -> Response {
    match health.is_leaving.load(Ordering::Relaxed) {
        true => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        false => "OK".into_response(),
    }
}

/// Whether everything is known that queries are about. As with CoreDNS the names of the parts that
/// aren't ready are the answer, and once they were they aren't asked again.
fn answer_ready(health: &Health, continuously: bool) -> Response {
    if health.is_leaving.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "leaving").into_response();
    }
    if !continuously && health.was_ready.load(Ordering::Relaxed) {
        return "OK".into_response();
    }
    let unready = (health.unready)();
    if unready.is_empty() {
        health.was_ready.store(true, Ordering::Relaxed);
        return "OK".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, unready.join(",")).into_response()
}

async fn answer_metrics(State(health): State<Arc<Health>>) -> Response {
    let page = (health.metrics)();
    ([(header::CONTENT_TYPE, METRICS_TYPE)], page).into_response()
}
