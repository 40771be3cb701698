//! The loop from watch to plan to kernel.
//!
//! [`Proxy::run`] is all of it: it hears of changed Services, has them planned, and hands the
//! difference to a [`Dataplane`](tidegate_dataplane::Dataplane). It never renders a rule and never
//! decides where a connection goes. Which modes there are it learns from a [`ModeFactory`], so that
//! [`ProxyHandle::reconfigure`] can change the mode of a running proxy; [`Servers`] and
//! [`ServiceHealth`] answer what operators and load balancers ask about it.
//!
//! ```no_run
//! # use tidegate_dataplane::DataplaneError;
//! # use tidegate_proxy::*;
//! # use tidegate_watch::*;
//! # use tokio_util::sync::CancellationToken;
//! # async fn example<F>(
//! #     client: kube::Client, config: ProxyConfig, modes: F, first: F::Choice, next: F::Choice,
//! #     pages: Pages, shutdown: CancellationToken,
//! # ) -> Result<(), Box<dyn std::error::Error>> where F: ModeFactory + 'static {
//! let node = config.plan.node.clone();
//! let watch = ClusterWatch::start(&client, Scope::Proxy, shutdown.clone());
//! let events = Events::start(client.clone(), node.clone(), shutdown.clone());
//! let proxy = Proxy::open(config.clone(), first, modes, watch.subscribe())?
//!     .following(
//!         follow_node(&client, &node, shutdown.clone()),
//!         Some(follow_service_cidrs(&client, shutdown.clone())),
//!     )
//!     .telling(events.clone());
//! let handle = proxy.handle();
//! let servers = Servers::start(&ServersConfig::default(), &handle.view(), &pages)?;
//! let health = ServiceHealth::new(watch.subscribe(), handle.view(), events);
//! tokio::spawn(health.run(shutdown.clone()));
//! let running = tokio::spawn(proxy.run(shutdown));
//!
//! // Later, when the configuration has changed:
//! handle.reconfigure(config, next);
//! running.await??;
//! servers.stop().await;
//! # Ok(())
//! # }
//! ```

mod config;
mod engine;
mod error;
mod events;
mod handle;
mod local_addresses;
mod metrics;
mod mode_factory;
mod no_local;
mod pause;
mod proxy;
mod retiring;
mod servers;
mod status;
mod steps;
mod surroundings;
mod switching;
pub mod sysctls;
mod told;
mod view;

pub use config::{FromNode, ProxyConfig};
pub use error::ProxyError;
pub use events::Events;
pub use handle::ProxyHandle;
pub use local_addresses::local_addresses;
pub use mode_factory::{ModeFactory, OneMode, OpenedMode};
pub use proxy::Proxy;
pub use servers::{BindError, Pages, Servers, ServersConfig, ServiceHealth};
pub use status::Status;
pub use view::ProxyView;
