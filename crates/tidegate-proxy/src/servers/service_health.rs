//! A server for each Service with a `healthCheckNodePort`, where load balancers ask whether this
//! node has pods of the Service.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate_model::ServiceKey;
use tidegate_pages::{CONNECTIONS, Slots, listen, listen_everywhere, serve};
use tidegate_plan::NodePortAddresses;
use tidegate_watch::Subscription;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::BIND_AGAIN_AFTER;
use super::service_answer::{local_endpoints, port, router};
use crate::events::Event;
use crate::pause::until;
use crate::{Events, ProxyView, local_addresses};

/// Serves every `healthCheckNodePort`, opening and closing ports as Services change.
pub struct ServiceHealth {
    subscription: Subscription,
    view: ProxyView,
    events: Events,
    /// Shared by all, so that many Services are no means to get more connections.
    slots: Slots,
    addresses: NodePortAddresses,
    servers: HashMap<ServiceKey, Server>,
    try_again: Option<Instant>,
}

/// One Service's server.
struct Server {
    port: u16,
    local_endpoints: Arc<AtomicUsize>,
    /// Empty while its port is taken by somebody else.
    serving: JoinSet<()>,
}

impl ServiceHealth {
    /// Servers for the Services that a subscription tells of, on the addresses that a proxy's node
    /// ports answer on. A port that can't be had is told by an Event on its Service.
    pub fn new(subscription: Subscription, view: ProxyView, events: Events) -> Self {
        let addresses = view.settings.borrow().node_port_addresses.clone();
        Self {
            subscription,
            view,
            events,
            slots: Slots::new(CONNECTIONS),
            addresses,
            servers: HashMap::new(),
            try_again: None,
        }
    }

    /// Serves until `shutdown`, in the calling task's network namespace.
    pub async fn run(mut self, shutdown: CancellationToken) {
        while let Some(()) = shutdown.run_until_cancelled(self.step()).await {}
        for server in self.servers.into_values() {
            server.close().await;
        }
    }

    async fn step(&mut self) {
        tokio::select! {
            changes = self.subscription.changed() => {
                self.follow(changes.services.into_iter().collect()).await;
            }
            () = until(self.try_again) => {
                self.try_again = None;
                let closed = self.servers.iter().filter(|(_, server)| server.serving.is_empty());
                let closed: Vec<ServiceKey> = closed.map(|(key, _)| key.clone()).collect();
                for key in closed {
                    self.open(&key);
                }
            }
            Ok(()) = self.view.settings.changed() => self.move_over().await,
        }
    }

    /// Follows changes of Services and their endpoints. Ports are given up before others are taken,
    /// since a port may go from one Service to another.
    async fn follow(&mut self, services: Vec<ServiceKey>) {
        let node = self.view.settings.borrow().node.clone();
        let mut wanted = Vec::new();
        {
            let snapshot = self.subscription.snapshot();
            for key in services {
                let local = local_endpoints(&snapshot, &key, &node);
                wanted.push((port(&snapshot, &key), local, key));
            }
        }
        for (port, _, key) in &wanted {
            let is_other = |server: &Server| Some(server.port) != *port;
            if self.servers.get(key).is_some_and(is_other)
                && let Some(server) = self.servers.remove(key)
            {
                server.close().await;
            }
        }
        for (port, local, key) in wanted {
            let Some(port) = port else {
                continue;
            };
            match self.servers.get(&key) {
                Some(server) => server.local_endpoints.store(local, Ordering::Relaxed),
                None => {
                    let server = Server {
                        port,
                        local_endpoints: Arc::new(AtomicUsize::new(local)),
                        serving: JoinSet::new(),
                    };
                    self.servers.insert(key.clone(), server);
                    if let Some(error) = self.open(&key) {
                        self.tell(key, port, &error);
                    }
                }
            }
        }
    }

    /// Listens on other addresses if node ports answer on others by now.
    async fn move_over(&mut self) {
        let addresses = self
            .view
            .settings
            .borrow_and_update()
            .node_port_addresses
            .clone();
        if addresses == self.addresses {
            return;
        }
        self.addresses = addresses;
        let keys: Vec<ServiceKey> = self.servers.keys().cloned().collect();
        for server in self.servers.values_mut() {
            server.serving.shutdown().await;
        }
        for key in keys {
            self.open(&key);
        }
    }

    /// Opens a Service's port on every address; on all or none of them.
    fn open(&mut self, key: &ServiceKey) -> Option<io::Error> {
        let server = self.servers.get_mut(key)?;
        match listeners(&self.addresses, server.port) {
            Ok(listeners) => {
                for listener in listeners {
                    let local = Arc::clone(&server.local_endpoints);
                    let router = router(key.clone(), local, self.view.clone());
                    let slots = self.slots.clone();
                    server
                        .serving
                        .spawn(async move { serve(listener, router, &slots).await });
                }
                None
            }
            Err(error) => {
                let again = Instant::now() + BIND_AGAIN_AFTER;
                self.try_again.get_or_insert(again);
                Some(error)
            }
        }
    }

    fn tell(&self, key: ServiceKey, port: u16, error: &io::Error) {
        let node = self.view.settings.borrow().node.clone();
        let note = format!(
            "node {node} failed to start healthcheck \"{key}\" on port {port}: {error}; \
             it is tried again every {BIND_AGAIN_AFTER:?}"
        );
        tracing::error!("{note}");
        self.events.tell(Event::health_check_failed(key, note));
    }
}

impl Server {
    async fn close(mut self) {
        self.serving.shutdown().await;
    }
}

fn listeners(addresses: &NodePortAddresses, port: u16) -> io::Result<Vec<TcpListener>> {
    let chosen = match addresses {
        NodePortAddresses::AllLocal => Vec::new(),
        NodePortAddresses::Within(ranges) => {
            let mut chosen = local_addresses()?;
            chosen.retain(|address| ranges.iter().any(|range| range.contains(address)));
            chosen
        }
    };
    // Upstream: where none of our addresses is meant, all are.
    if chosen.is_empty() {
        return Ok(vec![listen_everywhere(port)?]);
    }
    let chosen = chosen.into_iter();
    chosen
        .map(|address| listen(SocketAddr::new(address, port)))
        .collect()
}
