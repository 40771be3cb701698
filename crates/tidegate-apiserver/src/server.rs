//! Starting and stopping a server.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tidegate_model::service_api::{AddressRange, PortRange, RangeTooLarge, ServiceNetwork};
use tidegate_store::Store;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, PodAccess,
    api::Api,
    client::in_process_client,
    listener::{Listener, bind, connection_limit},
    pki::{Pki, PkiError, write_kubeconfig},
    router::router,
    storage::Objects,
    upkeep::{BootstrapError, bootstrap, first_address, keep_up},
};

/// How long requests under way may take after [`Server::shutdown`].
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// A running API server.
///
/// It serves until [`Server::shutdown`], or until it is dropped.
pub struct Server {
    router: Router,
    local_addr: SocketAddr,
    kubeconfig: PathBuf,
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
}

/// Why a server could not start. Nothing has been written before its ports are bound.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program has the port, or the address is not this machine's.
    #[error("cannot listen on {address}: {source}; {}", advice(.source, .address))]
    Listen {
        /// The address that was to be bound.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No range of cluster addresses was given.
    #[error(
        "no service address range was given; name one with `--service-cidr`, such as 10.96.0.0/16"
    )]
    NoServiceRange,
    /// A range of cluster addresses can't be used.
    #[error("{0} (`--service-cidr`)")]
    ServiceRange(#[from] RangeTooLarge),
    /// Pods can't reach a loopback address of the host.
    #[error(
        "the advertised address {0} is a loopback address, which pods can't reach; give an address of this machine"
    )]
    AdvertiseLoopback(SocketAddr),
    /// Certificates or the kubeconfig could not be prepared.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The objects that every cluster has could not be made.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

fn advice(error: &io::Error, address: &SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {} is taken by another program: stop it, or choose another address with `--listen`",
            address.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: choose another with `--listen`".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root: choose another with `--listen`".to_owned()
        }
        _ => "choose another address with `--listen`".to_owned(),
    }
}

impl Server {
    /// Binds the ports, prepares certificates and the objects that every cluster has, and serves.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        config: Config,
        store: Arc<dyn Store>,
        pods: Arc<dyn PodAccess>,
    ) -> Result<Self, StartError> {
        if config.advertise.ip().is_loopback() {
            return Err(StartError::AdvertiseLoopback(config.advertise));
        }
        let network = service_network(&config)?;
        let sockets = bind_all(&config)?;
        let local_addr = sockets
            .first()
            .map_or(config.listen, |(address, _)| *address);

        let pki = Pki::prepare(&config.data_dir, &server_names(&config))?;
        let tls = TlsAcceptor::from(Arc::new(pki.server_config()?));
        let kubeconfig = config.data_dir.join("admin.kubeconfig");
        write_kubeconfig(&kubeconfig, &pki, reachable(local_addr))?;

        let shutdown = CancellationToken::new();
        let api = Arc::new(Api::new(
            Objects::new(store),
            pods,
            network,
            shutdown.clone(),
        ));
        bootstrap(&api, &config).await?;

        let router = router(api.clone());
        let connections = connection_limit();
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_up(api, config));
        for (_, socket) in sockets {
            let listener = Listener {
                socket,
                tls: tls.clone(),
                router: router.clone(),
                connections: connections.clone(),
                shutdown: shutdown.clone(),
            };
            tasks.spawn(listener.run());
        }
        tracing::info!(address = %local_addr, "API server is ready");
        Ok(Self {
            router,
            local_addr,
            kubeconfig,
            tasks,
            shutdown,
        })
    }

    /// A client with all rights that calls this server within the process.
    ///
    /// Must be called within a tokio runtime: the client has a task of its own.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        in_process_client(self.router.clone())
    }

    /// The address of the main listener, with the port that was really bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig_path(&self) -> &Path {
        &self.kubeconfig
    }

    /// Ends watches, lets other requests finish for a few seconds, and closes the ports.
    pub async fn shutdown(mut self) {
        self.shutdown.cancel();
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(SHUTDOWN_DEADLINE, all_ended).await.is_err() {
            tracing::warn!("some requests did not end in time and are cut off");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn bind_all(config: &Config) -> Result<Vec<(SocketAddr, TcpListener)>, StartError> {
    let extra = config.extra_listen.iter().map(|address| (*address, true));
    std::iter::once((config.listen, false))
        .chain(extra)
        .map(|(address, in_advance)| {
            let bound =
                bind(address, in_advance).and_then(|socket| Ok((socket.local_addr()?, socket)));
            bound.map_err(|source| StartError::Listen { address, source })
        })
        .collect()
}

fn service_network(config: &Config) -> Result<ServiceNetwork, StartError> {
    let ranges = config
        .service_cidrs
        .iter()
        .map(|cidr| AddressRange::new(*cidr))
        .collect::<Result<Vec<_>, _>>()?;
    let (primary, others) = ranges.split_first().ok_or(StartError::NoServiceRange)?;
    Ok(ServiceNetwork::new(
        *primary,
        others.to_vec(),
        PortRange::from(config.node_ports.clone()),
    ))
}

/// Every name and address by which the server's certificate may be met.
fn server_names(config: &Config) -> Vec<String> {
    let domain = &config.cluster_domain;
    let mut names: Vec<String> = [
        "localhost",
        "127.0.0.1",
        "::1",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push(format!("kubernetes.default.svc.{domain}"));
    names.extend(
        config
            .service_cidrs
            .iter()
            .map(|range| first_address(*range).to_string()),
    );
    let served = std::iter::once(&config.listen).chain(&config.extra_listen);
    let addresses = served.chain([&config.advertise]).map(SocketAddr::ip);
    names.extend(
        addresses
            .filter(|ip| !ip.is_unspecified())
            .map(|ip| ip.to_string()),
    );
    names
}

/// A wildcard address is served on loopback too, which the kubeconfig can name.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], address.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port()))
        }
        _ => address,
    }
}
