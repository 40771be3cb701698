//! The first half of a start: everything that needs no API server.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use kube::Client;
use thiserror::Error;

use crate::agent::context::NodeContext;
use crate::agent::events::Recorder;
use crate::agent::registration::{RegisterError, Registration};
use crate::cleanup::{self, CleanupProblem, CleanupReport};
use crate::config::{NodeConfig, Paths};
use crate::host_facts::{self, HostFacts};
use crate::network::{
    self, HostNetwork, Netlink, NetlinkError, NetworkError, NetworkSettings, sysctl,
};
use crate::node::Node;
use crate::runtime::cgroup::{Cgroup, CgroupError};
use crate::runtime::mount_points::MountPoints;
use crate::state::RunState;

/// A machine that is ready for pods, but not yet known to any API server.
///
/// The first step of two: the pod network stands, so an API server can listen on its addresses
/// before [`register`](Self::register) needs that server.
pub struct PreparedNode {
    config: NodeConfig,
    paths: Paths,
    cgroup: Cgroup,
    network: Arc<HostNetwork>,
    state: RunState,
    node_ips: Vec<IpAddr>,
    lock: File,
}

impl PreparedNode {
    /// Removes what an earlier run left, checks the address ranges, makes the bridge and changes the
    /// kernel parameters that pods need.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; every variant says what to do about it.
    pub async fn prepare(config: NodeConfig) -> Result<Self, StartError> {
        if !nix::unistd::geteuid().is_root() {
            return Err(StartError::NotRoot);
        }
        let paths = prepare_directories(&config)?;
        let lock = cleanup::lock(&paths).map_err(StartError::Leftovers)?;
        clear_leftovers(&paths).await?;
        match Self::build(config, paths.clone(), lock).await {
            Ok(prepared) => Ok(prepared),
            Err(error) => {
                undo(&paths).await;
                Err(error)
            }
        }
    }

    async fn build(config: NodeConfig, paths: Paths, lock: File) -> Result<Self, StartError> {
        let cgroup = Cgroup::of_instance(&paths.instance())?;
        cgroup.create()?;
        if !cgroup.delegate() {
            tracing::debug!("no memory and cpu controllers here; limits of containers are ignored");
        }
        let settings = NetworkSettings {
            instance: paths.instance(),
            bridge: config.bridge.clone(),
            pod_ranges: config.pod_cidrs.clone(),
            service_ranges: config.service_cidrs.clone(),
        };
        let netlink = Netlink::connect().map_err(NetworkError::from)?;
        network::check(&netlink, &settings).await?;
        let state = change_parameters(&paths, &settings)?;
        let network = Arc::new(HostNetwork::create(netlink, &settings).await?);
        let node_ips = host_facts::addresses(network.gateways());
        Ok(Self {
            config,
            paths,
            cgroup,
            network,
            state,
            node_ips,
            lock,
        })
    }

    /// The node's addresses among the pods: the first of each pod range. They are up, and servers
    /// that pods shall reach can listen on them.
    pub fn gateways(&self) -> &[IpAddr] {
        self.network.gateways()
    }

    /// The addresses under which the node will be known to the API, one per address family: those
    /// that the host uses towards the outside, or else the gateways.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.node_ips
    }

    /// Writes the Node object and its lease. No pod is started before [`Node::run`].
    ///
    /// # Errors
    ///
    /// When the API server refuses; everything is taken back then.
    pub async fn register(self, client: Client) -> Result<Node, StartError> {
        let facts = HostFacts::read();
        let registration = Registration::new(client.clone(), &self.config, &self.node_ips, &facts);
        if let Err(error) = registration.register().await {
            undo(&self.paths).await;
            return Err(error.into());
        }
        let context = Arc::new(NodeContext {
            events: Recorder::start(client.clone(), self.config.name.clone()),
            config: self.config,
            paths: self.paths,
            client,
            network: self.network,
            cgroup: self.cgroup,
            node_ips: self.node_ips,
            mount_points: MountPoints::default(),
            state: Mutex::new(self.state),
        });
        Ok(Node::new(context, registration, self.lock))
    }

    /// Takes everything back without having registered.
    pub async fn abandon(self) -> CleanupReport {
        let mut report = CleanupReport::default();
        cleanup::remove_leftovers(&self.paths, &mut report).await;
        report
    }
}

/// Why a node did not start. Nothing of it is left on the machine then, except after a failure of
/// the removal itself, which is logged.
#[derive(Debug, Error)]
pub enum StartError {
    /// Namespaces, links and mounts need root.
    #[error("pods need root: start tidegate with sudo")]
    NotRoot,
    /// The data directory cannot be used.
    #[error("the data directory {path}: {error}")]
    DataDir {
        /// The directory or file.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// The directory is in use, or what an earlier node left cannot be removed.
    #[error("clearing away what an earlier run left: {0}")]
    Leftovers(#[source] CleanupProblem),
    /// The host's side of the network cannot be prepared.
    #[error("preparing the pod network: {0}")]
    Network(#[from] NetworkError),
    /// Control groups are missing.
    #[error("preparing control groups: {0}")]
    Cgroup(#[from] CgroupError),
    /// The API server does not take the node.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

fn prepare_directories(config: &NodeConfig) -> Result<Paths, StartError> {
    let failed = |error| StartError::DataDir {
        path: config.data_dir.clone(),
        error,
    };
    crate::runtime::create_private_dir(&config.data_dir).map_err(failed)?;
    Paths::new(&config.data_dir).map_err(failed)
}

async fn clear_leftovers(paths: &Paths) -> Result<(), StartError> {
    let mut report = CleanupReport::default();
    cleanup::remove_leftovers(paths, &mut report).await;
    for line in &report.removed {
        tracing::info!("an earlier run left this, removed: {line}");
    }
    match report.problems.into_iter().next() {
        Some(problem) => Err(StartError::Leftovers(problem)),
        None => Ok(()),
    }
}

/// Changes the host's kernel parameters, after writing down how they were.
fn change_parameters(paths: &Paths, settings: &NetworkSettings) -> Result<RunState, StartError> {
    let state = RunState {
        parameters: network::host_parameters(settings).map_err(NetworkError::from)?,
        mount_points: Vec::new(),
    };
    let path = paths.state();
    let failed = |error| StartError::DataDir {
        path: path.clone(),
        error,
    };
    crate::runtime::create_private_dir(&paths.run()).map_err(failed)?;
    state.save(&path).map_err(failed)?;
    for change in &state.parameters {
        if change.before != change.after {
            sysctl::write(&change.name, &change.after).map_err(NetworkError::from)?;
        }
    }
    Ok(state)
}

/// Takes back the beginnings of a start that failed.
async fn undo(paths: &Paths) {
    let mut report = CleanupReport::default();
    cleanup::remove_leftovers(paths, &mut report).await;
    for problem in report.problems {
        tracing::warn!(%problem, "taking back a failed start");
    }
}

impl From<NetlinkError> for StartError {
    fn from(error: NetlinkError) -> Self {
        Self::Network(error.into())
    }
}
