//! What a node is told when it starts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use sha2::{Digest, Sha256};

pub use crate::pod::back_off::BackOffSettings;

/// The settings of a node. [`NodeConfig::new`] fills in what a single machine usually wants.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Name of the Node object; pods with this `spec.nodeName` run here.
    pub name: String,
    /// Directory for logs (`pods/`), run-time files (`run/`) and the lock. Only one node may use it.
    pub data_dir: PathBuf,
    /// Ranges of pod addresses, at most one of each address family. The first address of each
    /// becomes the node's own.
    pub pod_cidrs: Vec<IpNet>,
    /// Ranges of service addresses, which the host gets routes to.
    pub service_cidrs: Vec<IpNet>,
    /// Name of the bridge that pods hang on, at most 15 characters.
    pub bridge: String,
    /// Name servers of pods with the DNS policy `ClusterFirst`.
    pub cluster_dns: Vec<IpAddr>,
    /// The cluster's DNS domain, without a dot at either end.
    pub cluster_domain: String,
    /// The host's resolver configuration: its search domains are appended to the cluster's, and
    /// pods with the DNS policy `Default` get all of it.
    pub host_resolv_conf: PathBuf,
    /// The program to start for pods; `/proc/self/exe` stays right even when the file is replaced
    /// while the node runs. It has to call [`internal::main`](crate::internal::main)
    /// first thing in its own `main`.
    pub executable: PathBuf,
    /// Labels of the Node object besides the well-known ones.
    pub labels: BTreeMap<String, String>,
    /// Waits between restarts of a container.
    pub back_off: BackOffSettings,
    /// How long [`Node::stop`](crate::Node::stop) lets pods end by themselves.
    pub stop_grace: Duration,
}

impl NodeConfig {
    /// The defaults: `10.244.0.0/24` for pods, `10.96.0.0/16` for services with DNS at
    /// `10.96.0.10`, the bridge `tidegate0` and the domain `cluster.local`.
    pub fn new(
        name: impl Into<String>,
        data_dir: impl Into<PathBuf>,
        executable: impl Into<PathBuf>,
    ) -> Self {
        let v4 = |address: [u8; 4], length| IpNet::new_assert(address.into(), length);
        Self {
            name: name.into(),
            data_dir: data_dir.into(),
            pod_cidrs: vec![v4([10, 244, 0, 0], 24)],
            service_cidrs: vec![v4([10, 96, 0, 0], 16)],
            bridge: "tidegate0".to_owned(),
            cluster_dns: vec![[10, 96, 0, 10].into()],
            cluster_domain: "cluster.local".to_owned(),
            host_resolv_conf: PathBuf::from("/etc/resolv.conf"),
            executable: executable.into(),
            labels: BTreeMap::new(),
            back_off: BackOffSettings::default(),
            stop_grace: Duration::from_secs(5),
        }
    }
}

/// Where things lie below a data directory, and the name that marks what belongs to it elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) data: PathBuf,
}

impl Paths {
    pub(crate) fn new(data_dir: &Path) -> std::io::Result<Self> {
        let absolute = std::path::absolute(data_dir)?;
        // A directory that does not exist yet has no other name.
        Ok(Self {
            data: absolute.canonicalize().unwrap_or(absolute),
        })
    }

    /// Marks links and cgroups of this data directory; several instances can run side by side.
    pub(crate) fn instance(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        let hash = Sha256::digest(self.data.as_os_str().as_bytes());
        hash.iter()
            .take(5)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Held while a node uses the directory.
    pub(crate) fn lock(&self) -> PathBuf {
        self.data.join("node.lock")
    }

    /// Everything that is worth nothing without the running node.
    pub(crate) fn run(&self) -> PathBuf {
        self.data.join("run")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.run().join("node.json")
    }

    /// A pod's generated files and volumes.
    pub(crate) fn pod(&self, uid: &str) -> PathBuf {
        self.run().join("pods").join(uid)
    }

    /// All logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.data.join("pods")
    }

    /// The logs of one pod.
    pub(crate) fn pod_logs(&self, namespace: &str, name: &str, uid: &str) -> PathBuf {
        self.logs().join(format!("{namespace}_{name}_{uid}"))
    }
}
