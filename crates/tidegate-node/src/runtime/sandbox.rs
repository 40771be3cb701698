//! What the containers of one pod have in common: namespaces, addresses, a cgroup, a directory.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::cgroup::{Cgroup, CgroupError};
use super::create_private_dir;
use crate::internal::spec::SharedNamespaces;
use crate::network::{
    HostNetwork, NamespaceError, Namespaces, NetlinkError, PodNetwork, PodNetworkError,
};

/// How long the kernel gets to release a pod's killed processes.
const RELEASE: Duration = Duration::from_secs(5);

/// Why a pod's surroundings could not be made or removed.
#[derive(Debug, Error)]
pub(crate) enum SandboxError {
    #[error("the pod's network: {0}")]
    Network(#[from] PodNetworkError),
    #[error("the pod's namespaces: {0}")]
    Namespaces(#[from] NamespaceError),
    #[error("removing the pod's network: {0}")]
    Disconnect(#[from] NetlinkError),
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error("the pod's directory {path}: {error}")]
    Directory { path: PathBuf, error: io::Error },
}

/// What is needed to make a sandbox.
#[derive(Debug, Clone)]
pub(crate) struct SandboxRequest {
    pub(crate) uid: String,
    pub(crate) host_name: String,
    pub(crate) host_network: bool,
    /// The directory for the pod's generated files; made and removed with the sandbox.
    pub(crate) directory: PathBuf,
    /// The cgroup of the whole instance.
    pub(crate) instance_cgroup: Cgroup,
}

/// The surroundings of a pod's containers.
#[derive(Debug)]
pub(crate) struct Sandbox {
    namespaces: Namespaces,
    network: Option<PodNetwork>,
    cgroup: Cgroup,
    directory: PathBuf,
}

impl Sandbox {
    pub(crate) async fn create(
        host: &Arc<HostNetwork>,
        request: SandboxRequest,
    ) -> Result<Self, SandboxError> {
        let cgroup = request
            .instance_cgroup
            .child(&format!("pod-{}", request.uid));
        cgroup.create()?;
        // Without the controllers there are no limits, which every container that has one reports.
        cgroup.delegate();
        create_private_dir(&request.directory)
            .map_err(|error| directory_error(&request.directory, error))?;
        let (namespaces, network) = if request.host_network {
            (Namespaces::on_host_network().await?, None)
        } else {
            let (namespaces, network) =
                PodNetwork::connect(host, &request.uid, request.host_name).await?;
            (namespaces, Some(network))
        };
        Ok(Self {
            namespaces,
            network,
            cgroup,
            directory: request.directory,
        })
    }

    /// The pod's own addresses, none when it uses the host's network.
    pub(crate) fn addresses(&self) -> &[IpAddr] {
        self.network.as_ref().map_or(&[], PodNetwork::addresses)
    }

    pub(crate) fn namespaces(&self) -> SharedNamespaces {
        self.namespaces.paths()
    }

    /// A fresh cgroup for one container.
    pub(crate) fn container_cgroup(&self, container: &str) -> Result<Cgroup, SandboxError> {
        let cgroup = self.cgroup.child(container);
        cgroup.create()?;
        Ok(cgroup)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Ends what is left and removes every trace. Goes on after a failure and returns them all.
    pub(crate) async fn remove(&self) -> Vec<SandboxError> {
        let mut problems = Vec::new();
        problems.extend(
            self.cgroup
                .remove(RELEASE)
                .await
                .err()
                .map(SandboxError::from),
        );
        if let Some(network) = &self.network {
            problems.extend(network.disconnect().await.err().map(SandboxError::from));
        }
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            problems.push(directory_error(&self.directory, error));
        }
        problems
    }
}

fn directory_error(path: &Path, error: io::Error) -> SandboxError {
    SandboxError::Directory {
        path: path.to_owned(),
        error,
    }
}
