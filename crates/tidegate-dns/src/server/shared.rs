//! What a server and its handles share: one state, which a new configuration swaps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use tidegate_dns_config::DnsConfig;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::Setup;
use super::connections::Connections;
use super::listeners::{Common, Listener};
use super::tcp::Limits;
use crate::block::Block;
use crate::names::ClusterNames;
use crate::observe::{Health, Pages, ServerCounters, write_page};

/// What stays for as long as the server lives, and the state.
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) names: Arc<ClusterNames>,
    pub(super) counters: Arc<ServerCounters>,
    pub(super) common: Common,
    pub(super) health: Arc<Health>,
    /// One new configuration at a time.
    pub(super) reloading: tokio::sync::Mutex<Pages>,
    state: Mutex<State>,
}

/// What a new configuration swaps.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) config: DnsConfig,
    pub(super) listeners: Vec<Listener>,
    pub(super) blocks: Vec<Arc<Block>>,
    pub(super) is_serving: bool,
    /// Whether the cluster's names are in, or have been waited for long enough.
    pub(super) is_known: bool,
}

impl Shared {
    /// Without any address or block yet. How many sockets and connections there will be is in the
    /// configuration that the server starts with.
    pub(super) fn new(config: &DnsConfig, setup: Setup) -> Arc<Self> {
        let udp_sockets = config
            .udp_sockets
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let counters = Arc::<ServerCounters>::default();
        let common = Common {
            udp_sockets,
            limits: Limits {
                outstanding: config.tcp.max_outstanding as usize,
                idle: config.tcp.idle_timeout,
            },
            connections: Connections::new(config.tcp.max_connections as usize),
            counters: Arc::clone(&counters),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
        };
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            setup,
            names: Arc::default(),
            counters,
            common,
            health: Arc::new(health_of(this)),
            reloading: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        })
    }

    pub(super) fn unready(&self) -> Vec<&'static str> {
        let is_served = {
            let state = self.lock();
            state.is_serving && state.listeners.iter().all(|listener| !listener.is_later())
        };
        let parts = [("kubernetes", self.names.are_synced()), ("bind", is_served)];
        let unready = parts.into_iter().filter(|(_, is_ready)| !is_ready);
        unready.map(|(name, _)| name).collect()
    }

    pub(super) fn page(&self) -> String {
        let state = self.lock();
        let desks: Vec<_> = state
            .listeners
            .iter()
            .map(|one| Arc::clone(&one.desk))
            .collect();
        let blocks = state.blocks.clone();
        drop(state);
        write_page(&blocks, &desks, &self.counters, self.names.is_cut_off())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pages ask the server, and don't keep it alive.
fn health_of(this: &Weak<Shared>) -> Health {
    let of_metrics = this.clone();
    let of_readiness = this.clone();
    let unready = move || {
        of_readiness
            .upgrade()
            .map_or(vec!["all"], |it| it.unready())
    };
    let metrics = move || of_metrics.upgrade().map(|it| it.page()).unwrap_or_default();
    Health::new(unready, metrics)
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}
