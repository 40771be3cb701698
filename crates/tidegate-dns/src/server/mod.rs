//! A server: its addresses, its blocks, its pages, and what becomes of them with a new
//! configuration.

mod batch;
mod bind;
mod connections;
mod listeners;
mod places;
mod stop;
mod tcp;
mod udp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tidegate_dns_config::DnsConfig;
use tidegate_dns_wire::LowerName;
use tidegate_forward::OwnAddresses;
use tidegate_watch::ClusterWatch;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use bind::BindError;

use crate::block::{Block, BuildError, Surroundings, build};
use crate::names::ClusterNames;
use crate::observe::{Health, Pages, ServerCounters, write_page};
use connections::Connections;
use listeners::{Common, Listener};
use places::{Place, places};
use tcp::Limits;

/// How long questions that still wait for other servers hold up the end.
const DRAIN: Duration = Duration::from_secs(2);

/// What a server is told beside its configuration.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where server blocks listen that don't say where; everywhere if there is none.
    pub addresses: Vec<IpAddr>,
    /// Addresses under which clients reach this server, the Service's cluster IP included: they
    /// lead to the zone's NS records, and no query is ever forwarded to them.
    pub advertised: Vec<IpAddr>,
    /// What the node's own resolver searches, for the end of clients' search paths.
    pub search: Vec<String>,
}

/// A DNS server with its sockets bound.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

/// A way to give a running server another configuration, and to look at it.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

struct Shared {
    setup: Setup,
    names: Arc<ClusterNames>,
    counters: Arc<ServerCounters>,
    common: Common,
    state: Mutex<State>,
    health: Arc<Health>,
    /// One new configuration at a time.
    reloading: tokio::sync::Mutex<Pages>,
}

#[derive(Debug, Default)]
struct State {
    config: DnsConfig,
    listeners: Vec<Listener>,
    blocks: Vec<Arc<Block>>,
    is_serving: bool,
    /// Whether the cluster's names are in, or have been waited for long enough.
    is_known: bool,
}

/// Why a configuration can't be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something that it says can't be done.
    #[error(transparent)]
    Config(#[from] BuildError),
    /// An address can't be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The kernel refuses threads or descriptors.
    #[error("the DNS server can't start to serve: {0}")]
    Serve(#[from] io::Error),
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Binds every address, over UDP and TCP. Nothing is answered before [`Server::run`].
    ///
    /// # Errors
    /// The configuration can't be served.
    ///
    /// # Panics
    /// Outside a runtime of tokio.
    pub fn bind(config: &DnsConfig, setup: Setup) -> Result<Self, StartError> {
        let udp_sockets = config
            .udp_sockets
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let counters = Arc::<ServerCounters>::default();
        let names = Arc::<ClusterNames>::default();
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
        let shared = Arc::new_cyclic(|this: &std::sync::Weak<Shared>| {
            let of_metrics = this.clone();
            let of_readiness = this.clone();
            let unready = move || {
                of_readiness
                    .upgrade()
                    .map_or(vec!["all"], |it| it.unready())
            };
            let metrics = move || of_metrics.upgrade().map(|it| it.page()).unwrap_or_default();
            Shared {
                setup,
                names,
                counters,
                common,
                state: Mutex::default(),
                health: Arc::new(Health::new(unready, metrics)),
                reloading: tokio::sync::Mutex::default(),
            }
        });
        let (listeners, blocks) = shared.prepare(config, &[])?;
        let mut state = shared.lock();
        state.config = config.clone();
        state.listeners = listeners
            .into_iter()
            .filter_map(|(listener, _)| listener)
            .collect();
        state.blocks = blocks;
        drop(state);
        Ok(Self { shared })
    }

    /// The addresses that were bound, with the ports that the kernel chose for port 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.handle().addresses()
    }

    /// A way to reach the server while it runs.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Serves until `shutdown`, and then lets questions that wait for other servers end, for two
    /// seconds at most.
    ///
    /// Until `watch` has its first lists, questions about the cluster get SERVFAIL. The watch must
    /// have [every kind](tidegate_watch::Scope::Everything) in it.
    ///
    /// # Errors
    /// The kernel refuses threads or descriptors.
    pub async fn run(
        self,
        watch: &ClusterWatch,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let shared = self.shared;
        shared.start_listeners()?;
        shared.start_pages().await;
        shared.check_for_loops();
        let following = shared.names.follow(watch, &shared.counters.changes);
        let joining = async {
            match shared.join_others().await {
                Ok(()) => std::future::pending().await,
                Err(error) => error,
            }
        };
        let working = async {
            tokio::select! {
                () = following => None,
                error = joining => Some(error),
            }
        };
        if let Some(Some(error)) = shutdown.run_until_cancelled(working).await {
            return Err(error);
        }
        shared.health.is_leaving.store(true, Ordering::Relaxed);
        shared.linger().await;
        let listeners = std::mem::take(&mut shared.lock().listeners);
        for listener in listeners {
            listener.end().await;
        }
        shared.common.tasks.close();
        if tokio::time::timeout(DRAIN, shared.common.tasks.wait())
            .await
            .is_err()
        {
            tracing::debug!("questions that wait for other servers are given up");
        }
        Ok(())
    }
}

impl ServerHandle {
    /// The addresses that are served.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let state = self.shared.lock();
        state
            .listeners
            .iter()
            .map(|listener| listener.address)
            .collect()
    }

    /// The metrics, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.shared.page()
    }

    /// Which parts aren't ready: `kubernetes` until the cluster's names are in, `bind` until every
    /// address is served.
    pub fn unready(&self) -> Vec<&'static str> {
        self.shared.unready()
    }

    /// Notes that a new configuration was refused before it came here.
    pub fn refused(&self) {
        self.shared.counters.failed_reloads.increment();
    }

    /// Serves another configuration from now on. No query gets lost: addresses that stay are not
    /// let go, new ones are taken before old ones are given up, and what has come in is answered.
    /// How many sockets and connections there are changes with the next start only.
    ///
    /// # Errors
    /// It can't be served; the one before stays in force.
    pub async fn reload(&self, config: &DnsConfig) -> Result<(), StartError> {
        let shared = &self.shared;
        let mut pages = shared.reloading.lock().await;
        let known: Vec<SocketAddr> = {
            let state = shared.lock();
            state
                .listeners
                .iter()
                .map(|listener| listener.wanted)
                .collect()
        };
        let prepared = shared.prepare(config, &known).inspect_err(|_| {
            shared.counters.failed_reloads.increment();
        })?;
        let retired = shared.take_over(config, prepared)?;
        for listener in retired {
            listener.end().await;
        }
        pages.serve(&page_addresses(config), &shared.health).await;
        shared.names.keep_used();
        shared.counters.reloads.increment();
        Ok(())
    }
}

/// For each place the blocks, and a listener where there was none.
type Prepared = (Vec<(Option<Listener>, Place)>, Vec<Arc<Block>>);

impl Shared {
    /// Builds and binds what a configuration needs, and changes nothing.
    fn prepare(&self, config: &DnsConfig, known: &[SocketAddr]) -> Result<Prepared, StartError> {
        let places_of_config = places(config, &self.setup.addresses)?;
        let own = OwnAddresses {
            listening: places_of_config.iter().map(|place| place.address).collect(),
            advertised: self.setup.advertised.clone(),
        };
        let around = Surroundings {
            names: Arc::clone(&self.names),
            own,
            workers: self.common.udp_sockets,
            runtime: self.common.runtime.clone(),
            search: self
                .setup
                .search
                .iter()
                .filter_map(|name| LowerName::from_text(name).ok())
                .collect(),
        };
        let mut blocks = Vec::new();
        for block in &config.servers {
            let port = block.zones.first().map_or(53, |zone| zone.port);
            blocks.push(Arc::new(build(block, port, &around)?));
        }
        let mut prepared = Vec::new();
        for mut place in places_of_config {
            place.attach(&blocks);
            let listener = match known.contains(&place.address) {
                true => None,
                false => Some(match place.is_shared {
                    true => Listener::shared(place.address, place.blocks.clone()),
                    false => Listener::bind(place.address, place.blocks.clone(), &self.common)?,
                }),
            };
            prepared.push((listener, place));
        }
        Ok((prepared, blocks))
    }

    /// Puts what was prepared in force, and gives the listeners that nobody needs any more.
    fn take_over(
        &self,
        config: &DnsConfig,
        (prepared, blocks): Prepared,
    ) -> Result<Vec<Listener>, StartError> {
        let mut state = self.lock();
        let mut old = std::mem::take(&mut state.listeners);
        for (listener, place) in prepared {
            let listener = match listener {
                Some(listener) => Some(listener),
                None => {
                    let at = old.iter().position(|one| one.wanted == place.address);
                    at.map(|at| old.swap_remove(at))
                }
            };
            if let Some(mut listener) = listener {
                listener.desk.set(place.blocks);
                if state.is_serving && (state.is_known || !listener.is_later()) {
                    listener.serve(&self.common)?;
                }
                state.listeners.push(listener);
            }
        }
        state.config = config.clone();
        state.blocks = blocks;
        drop(state);
        self.check_for_loops();
        Ok(old)
    }

    fn start_listeners(&self) -> Result<(), StartError> {
        let mut state = self.lock();
        state.is_serving = true;
        for listener in state.listeners.iter_mut().filter(|one| !one.is_later()) {
            listener.serve(&self.common)?;
        }
        Ok(())
    }

    /// Joins the servers at shared addresses once there is something to say, so that nobody gets
    /// an answer from here that another server could have given better.
    async fn join_others(&self) -> Result<(), StartError> {
        let patience = {
            let state = self.lock();
            let clusters = state
                .config
                .servers
                .iter()
                .filter_map(|block| block.kubernetes.as_ref());
            clusters
                .map(|it| it.startup_timeout)
                .max()
                .unwrap_or_default()
        };
        if tokio::time::timeout(patience, self.names.synced())
            .await
            .is_err()
        {
            tracing::warn!(
                ?patience,
                "the cluster's names aren't known yet; names of others are answered"
            );
        }
        let mut state = self.lock();
        state.is_known = true;
        for listener in &mut state.listeners {
            listener.serve(&self.common)?;
        }
        Ok(())
    }

    async fn start_pages(&self) {
        let wanted = page_addresses(&self.lock().config);
        self.reloading
            .lock()
            .await
            .serve(&wanted, &self.health)
            .await;
    }

    /// Asks the questions that find out whether what is passed on comes back.
    fn check_for_loops(&self) {
        for block in self.lock().blocks.iter().cloned() {
            let Some(check) = block.loop_check.clone() else {
                continue;
            };
            self.common.tasks.spawn(async move {
                if check.run(&block.routes).await {
                    tracing::error!(
                        zone = block.zone,
                        "what is passed on to other servers comes back to this one: correct their \
                         addresses in `forward`, or in the resolv.conf that it names (a file with \
                         127.0.0.53 or this server's own address leads back here)"
                    );
                }
            });
        }
    }

    /// Goes on serving for as long as others may take to notice that they shall not come any more.
    async fn linger(&self) {
        let lameduck = {
            let state = self.lock();
            let health = state
                .config
                .servers
                .iter()
                .filter_map(|block| block.health.as_ref());
            health
                .map(|health| health.lameduck)
                .max()
                .unwrap_or_default()
        };
        if !lameduck.is_zero() {
            tracing::info!(
                ?lameduck,
                "the DNS server is leaving, and answers until it has"
            );
            tokio::time::sleep(lameduck).await;
        }
    }

    fn unready(&self) -> Vec<&'static str> {
        let is_served = {
            let state = self.lock();
            state.is_serving && state.listeners.iter().all(|listener| !listener.is_later())
        };
        let parts = [("kubernetes", self.names.are_synced()), ("bind", is_served)];
        let unready = parts.into_iter().filter(|(_, is_ready)| !is_ready);
        unready.map(|(name, _)| name).collect()
    }

    fn page(&self) -> String {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn page_addresses(
    config: &DnsConfig,
) -> Vec<(crate::observe::Purpose, tidegate_dns_config::ListenAddress)> {
    use crate::observe::Purpose;
    use tidegate_dns_config::ReadyMonitor;
    let mut wanted = Vec::new();
    for block in &config.servers {
        let health = block
            .health
            .as_ref()
            .map(|health| (Purpose::Health, health.address));
        let ready = block.ready.as_ref().map(|ready| {
            let continuously = ready.monitor == ReadyMonitor::Continuously;
            (Purpose::Ready { continuously }, ready.address)
        });
        let metrics = block
            .prometheus
            .as_ref()
            .map(|it| (Purpose::Metrics, it.address));
        for one in [health, ready, metrics].into_iter().flatten() {
            if !wanted.contains(&one) {
                wanted.push(one);
            }
        }
    }
    wanted
}
