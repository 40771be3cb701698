//! What all parts of a running node share.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::events::Recorder;
use crate::config::{NodeConfig, Paths};
use crate::network::HostNetwork;
use crate::runtime::cgroup::Cgroup;
use crate::runtime::mount_points::MountPoints;
use crate::state::RunState;

/// The surroundings of every pod.
pub(crate) struct NodeContext {
    pub(crate) config: NodeConfig,
    pub(crate) paths: Paths,
    pub(crate) client: kube::Client,
    pub(crate) network: Arc<HostNetwork>,
    pub(crate) cgroup: Cgroup,
    /// Addresses by which the host is known to pods and to the API.
    pub(crate) node_ips: Vec<IpAddr>,
    pub(crate) mount_points: MountPoints,
    pub(crate) state: Mutex<RunState>,
    pub(crate) events: Recorder,
}

impl NodeContext {
    /// Makes sure that something can be mounted at `target`.
    pub(crate) fn ensure_mount_point(
        &self,
        target: &Path,
        is_directory: bool,
    ) -> std::io::Result<()> {
        self.mount_points
            .ensure(target, is_directory, |created: &[PathBuf]| {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.mount_points = created.to_vec();
                state.save(&self.paths.state())
            })
    }
}
