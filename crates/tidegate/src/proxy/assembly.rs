//! A proxy with everything around it: what it follows, whom it tells, where it answers.

use std::sync::Arc;

use kube::Client;
use tidegate_model::IpFamily;
use tidegate_proxy::{
    Events, Pages, Proxy, ProxyError, Servers, ServersConfig, ServiceHealth, Status,
};
use tidegate_proxy_config::KubeProxyConfiguration;
use tidegate_watch::{ClusterWatch, follow_node, follow_service_cidrs};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Meaning, Modes, NodeSide, Reloader};
use crate::exit::Failure;

/// A proxy that is ready to run, and its servers, which answer already.
pub(crate) struct Assembly {
    proxy: Proxy<Modes>,
    service_health: ServiceHealth,
    servers: Servers,
}

impl Assembly {
    /// Opens the configured mode and the servers; programs nothing yet. What the parts follow, they
    /// follow until `shutdown`.
    ///
    /// # Errors
    /// The mode can't work here, or an address is taken and that is fatal as configured.
    pub(crate) fn new(
        config: &KubeProxyConfiguration,
        side: NodeSide,
        client: &Client,
        watch: &ClusterWatch,
        flags: Vec<(String, String)>,
        shutdown: &CancellationToken,
    ) -> Result<(Self, Reloader), Failure> {
        let side = side.with_local_addresses();
        let Meaning { proxy, choice } = Meaning::of(config, &side);
        let events = Events::start(client.clone(), side.node.clone(), shutdown.clone());
        let node = follow_node(client, &side.node, shutdown.clone());
        let ranges = side
            .service_cidrs
            .is_empty()
            .then(|| follow_service_cidrs(client, shutdown.clone()));
        let proxy = Proxy::open(proxy, choice, Modes, watch.subscribe())
            .map_err(Failure::machine)?
            .following(node, ranges)
            .telling(events.clone());
        let handle = proxy.handle();
        let view = handle.view();
        let reloader = Reloader::new(side, config.clone(), handle);
        let shown = reloader.shown();
        let pages = Pages {
            configuration: Arc::new(move || shown.borrow().clone()),
            flags: Arc::new(move || flags.clone()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let addresses = ServersConfig {
            health: config.healthz_address(),
            metrics: config.metrics_address(),
            bind_hard_fail: config.bind_address_hard_fail,
            families: families(),
        };
        let servers = Servers::start(&addresses, &view, &pages).map_err(Failure::machine)?;
        let assembly = Self {
            proxy,
            service_health: ServiceHealth::new(watch.subscribe(), view, events),
            servers,
        };
        Ok((assembly, reloader))
    }

    /// The proxy's account of itself.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.proxy.status()
    }

    /// Works until `shutdown`.
    ///
    /// # Errors
    /// As [`Proxy::run`].
    pub(crate) async fn run(self, shutdown: CancellationToken) -> Result<(), ProxyError> {
        let ours = shutdown.child_token();
        let health = tokio::spawn(self.service_health.run(ours.clone()));
        let ended = self.proxy.run(shutdown).await;
        ours.cancel();
        self.servers.stop().await;
        if let Err(crash) = health.await {
            tracing::error!(%crash, "the servers of healthCheckNodePorts broke down; please report this");
        }
        ended
    }
}

/// The families that this machine has: IPv4 always, IPv6 unless the kernel or its parameters say no.
fn families() -> Vec<IpFamily> {
    let has_any = std::path::Path::new("/proc/net/if_inet6").exists();
    let disabled = std::fs::read_to_string("/proc/sys/net/ipv6/conf/all/disable_ipv6");
    let disabled = disabled.is_ok_and(|text| text.trim() == "1");
    match has_any && !disabled {
        true => IpFamily::ALL.to_vec(),
        false => vec![IpFamily::V4],
    }
}
