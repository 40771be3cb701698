//! The node's own object and the lease by which others see that it lives.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use thiserror::Error;

use crate::config::NodeConfig;
use crate::host_facts::HostFacts;

/// How often the lease is renewed, and after how long others give the node up: as a kubelet's.
const RENEW: Duration = Duration::from_secs(10);
const LEASE_SECONDS: i32 = 40;
const LEASES: &str = "kube-node-lease";
/// As many as a kubelet takes.
const MOST_PODS: &str = "110";

/// Why the node is not known to the API.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The Node object could not be written.
    #[error("registering the node {name} with the API server: {error}")]
    Node {
        /// The node's name.
        name: String,
        /// The server's answer.
        error: Box<kube::Error>,
    },
    /// The lease could not be written.
    #[error("writing the lease of the node {name}: {error}")]
    Lease {
        /// The node's name.
        name: String,
        /// The server's answer.
        error: Box<kube::Error>,
    },
}

/// Keeps the node known.
pub(crate) struct Registration {
    client: Client,
    name: String,
    labels: BTreeMap<String, String>,
    spec: Value,
    status: Value,
}

impl Registration {
    pub(crate) fn new(
        client: Client,
        config: &NodeConfig,
        node_ips: &[IpAddr],
        facts: &HostFacts,
    ) -> Self {
        let ranges: Vec<_> = config
            .pod_cidrs
            .iter()
            .map(|range| range.trunc().to_string())
            .collect();
        Self {
            client,
            name: config.name.clone(),
            labels: labels(config, facts),
            spec: json!({"podCIDR": ranges.first(), "podCIDRs": ranges}),
            status: status(&config.name, node_ips, facts),
        }
    }

    /// The labels that node selectors are compared with.
    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// Writes the Node object as it shall be, whether it exists or not, and renews the lease.
    pub(crate) async fn register(&self) -> Result<(), RegisterError> {
        self.write_node()
            .await
            .map_err(|error| RegisterError::Node {
                name: self.name.clone(),
                error: Box::new(error),
            })?;
        self.renew().await
    }

    /// Renews the lease and restores a deleted Node object, for ever.
    pub(crate) async fn keep(&self) {
        loop {
            tokio::time::sleep(RENEW).await;
            let nodes: Api<Node> = Api::all(self.client.clone());
            let result = match nodes.get_opt(&self.name).await {
                Ok(Some(_)) => self.renew().await,
                Ok(None) => self.register().await,
                Err(error) => Err(RegisterError::Node {
                    name: self.name.clone(),
                    error: Box::new(error),
                }),
            };
            if let Err(error) = result {
                tracing::warn!(%error, "keeping the node registered");
            }
        }
    }

    /// Says that the node takes no part any more.
    pub(crate) async fn sign_off(&self) -> Result<(), RegisterError> {
        let mut status = self.status.clone();
        let reason = ("NodeStopped", "the node was stopped");
        status["conditions"] = json!([condition("Ready", "False", reason.0, reason.1)]);
        self.write_status(&status)
            .await
            .map_err(|error| RegisterError::Node {
                name: self.name.clone(),
                error: Box::new(error),
            })
    }

    async fn write_node(&self) -> Result<(), kube::Error> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": self.name, "labels": self.labels},
            "spec": self.spec,
        });
        match nodes.get_opt(&self.name).await? {
            Some(_) => {
                nodes
                    .patch(&self.name, &PatchParams::default(), &Patch::Merge(&node))
                    .await?;
            }
            None => {
                let node = serde_json::from_value(node).map_err(kube::Error::SerdeError)?;
                nodes.create(&PostParams::default(), &node).await?;
            }
        }
        self.write_status(&self.status).await
    }

    async fn write_status(&self, status: &Value) -> Result<(), kube::Error> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let patch = Patch::Merge(json!({"status": status}));
        nodes
            .patch_status(&self.name, &PatchParams::default(), &patch)
            .await
            .map(drop)
    }

    async fn renew(&self) -> Result<(), RegisterError> {
        self.write_lease()
            .await
            .map_err(|error| RegisterError::Lease {
                name: self.name.clone(),
                error: Box::new(error),
            })
    }

    async fn write_lease(&self) -> Result<(), kube::Error> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), LEASES);
        // The lease's times have microseconds.
        let now = format!("{:.6}", Timestamp::now());
        let spec = json!({
            "holderIdentity": self.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now,
        });
        let patch = Patch::Merge(json!({"spec": spec}));
        match leases
            .patch(&self.name, &PatchParams::default(), &patch)
            .await
        {
            Err(kube::Error::Api(answer)) if answer.code == 404 => {}
            result => return result.map(drop),
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        let owner = nodes.get_opt(&self.name).await?.and_then(|node| node.uid());
        let owners: Vec<_> = owner
            .map(|uid| json!({"apiVersion": "v1", "kind": "Node", "name": self.name, "uid": uid}))
            .into_iter()
            .collect();
        let lease = json!({
            "metadata": {"name": self.name, "namespace": LEASES, "ownerReferences": owners},
            "spec": spec,
        });
        let lease = serde_json::from_value(lease).map_err(kube::Error::SerdeError)?;
        leases
            .create(&PostParams::default(), &lease)
            .await
            .map(drop)
    }
}

fn labels(config: &NodeConfig, facts: &HostFacts) -> BTreeMap<String, String> {
    let mut labels = config.labels.clone();
    for (name, value) in [
        ("kubernetes.io/hostname", config.name.as_str()),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", facts.architecture),
    ] {
        labels.insert(name.to_owned(), value.to_owned());
    }
    labels
}

fn status(name: &str, node_ips: &[IpAddr], facts: &HostFacts) -> Value {
    let mut addresses: Vec<_> = node_ips
        .iter()
        .map(|ip| json!({"type": "InternalIP", "address": ip}))
        .collect();
    addresses.push(json!({"type": "Hostname", "address": name}));
    let resources = json!({
        "cpu": facts.processors.to_string(),
        "memory": format!("{}Ki", facts.memory_kib),
        "pods": MOST_PODS,
    });
    json!({
        "addresses": addresses,
        "capacity": resources,
        "allocatable": resources,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "sufficient memory"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "sufficient process numbers"),
            condition("Ready", "True", "KubeletReady", "tidegate takes pods"),
        ],
        "nodeInfo": {
            "machineID": facts.machine_id,
            "systemUUID": facts.machine_id,
            "bootID": facts.boot_id,
            "kernelVersion": facts.kernel,
            "osImage": facts.os_image,
            "containerRuntimeVersion": concat!("tidegate://", env!("CARGO_PKG_VERSION")),
            "kubeletVersion": concat!("v", env!("CARGO_PKG_VERSION"), "+tidegate"),
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": facts.architecture,
        },
    })
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    let now = format!("{:.0}", Timestamp::now());
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastHeartbeatTime": now, "lastTransitionTime": now,
    })
}
