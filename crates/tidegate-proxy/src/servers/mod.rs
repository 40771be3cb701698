//! Where operators, load balancers and Prometheus ask about the proxy.

mod health;
mod metrics_pages;
mod service_answer;
mod service_health;
mod status_pages;

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tidegate_model::IpFamily;
use tidegate_pages::{BIND_AGAIN_AFTER, keep_serving, listen};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use service_health::ServiceHealth;

use crate::ProxyView;

/// Where to listen.
#[derive(Clone, Debug)]
pub struct ServersConfig {
    /// For `/healthz` and `/livez`; upstream: 0.0.0.0:10256.
    pub health: Option<SocketAddr>,
    /// For `/metrics`, `/proxyMode` and the like; upstream: 127.0.0.1:10249.
    pub metrics: Option<SocketAddr>,
    /// An address that can't be listened on is fatal, instead of tried again every five seconds.
    pub bind_hard_fail: bool,
    /// The families that health is reported of: those that the machine has.
    pub families: Vec<IpFamily>,
}

impl Default for ServersConfig {
    fn default() -> Self {
        Self {
            health: Some(SocketAddr::from(([0, 0, 0, 0], 10256))),
            metrics: Some(SocketAddr::from(([127, 0, 0, 1], 10249))),
            bind_hard_fail: false,
            families: IpFamily::ALL.to_vec(),
        }
    }
}

/// What only the program as a whole knows, for the metrics server.
#[derive(Clone)]
pub struct Pages {
    /// The KubeProxyConfiguration in force, for `/configz`.
    pub configuration: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// The command line's flags with their values, for `/flagz`.
    pub flags: Arc<dyn Fn() -> Vec<(String, String)> + Send + Sync>,
    /// The program's version, for `/statusz`.
    pub version: String,
}

/// An address could not be listened on, and that is fatal as configured.
#[derive(Debug, thiserror::Error)]
#[error(
    "{purpose} can't be served at {address}: {source}; give another address, or leave \
     bindAddressHardFail off to have it tried again"
)]
pub struct BindError {
    purpose: &'static str,
    address: SocketAddr,
    source: std::io::Error,
}

/// The proxy's own HTTP servers, which end with this value.
#[derive(Debug)]
pub struct Servers {
    /// Where health is served, unless the address was taken at first.
    pub health: Option<SocketAddr>,
    /// Where metrics are served, unless the address was taken at first.
    pub metrics: Option<SocketAddr>,
    tasks: JoinSet<()>,
    _shutdown: DropGuard,
}

impl Servers {
    /// Starts to serve, in the calling thread's network namespace.
    ///
    /// # Errors
    /// An address can't be listened on, and the configuration says that this is fatal.
    pub fn start(
        config: &ServersConfig,
        view: &ProxyView,
        pages: &Pages,
    ) -> Result<Self, BindError> {
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let started = Timestamp::now();
        let health = health::router(view.clone(), config.families.clone());
        let metrics = metrics_pages::router(view.clone(), pages.clone(), started);
        let mut serve = |purpose, address: Option<SocketAddr>, router| {
            let Some(address) = address else {
                return Ok(None);
            };
            let listener = match listen(address) {
                Ok(listener) => Some(listener),
                Err(source) if config.bind_hard_fail => {
                    return Err(BindError {
                        purpose,
                        address,
                        source,
                    });
                }
                Err(error) => {
                    tracing::error!(%address, %error, "{purpose} can't be served yet; trying again every {BIND_AGAIN_AFTER:?}");
                    None
                }
            };
            let bound = listener.as_ref().and_then(|bound| bound.local_addr().ok());
            tasks.spawn(keep_serving(listener, address, router, shutdown.clone()));
            Ok(bound)
        };
        let health = serve("health", config.health, health)?;
        let metrics = serve("metrics", config.metrics, metrics)?;
        Ok(Self {
            health,
            metrics,
            tasks,
            _shutdown: shutdown.drop_guard(),
        })
    }

    /// Ends the servers and waits until their addresses are free.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}
