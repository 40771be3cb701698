//! The node as its embedder sees it: start, run, logs, stop.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use kube::Client;
use thiserror::Error;

use crate::agent::context::NodeContext;
use crate::agent::registration::Registration;
use crate::agent::{self, Pods};
use crate::cleanup::{self, CleanupReport};
use crate::config::NodeConfig;
use crate::logs::LogOptions;
use crate::prepare::{PreparedNode, StartError};

/// A running node.
pub struct Node {
    pub(crate) context: Arc<NodeContext>,
    pub(crate) pods: Arc<Pods>,
    registration: Registration,
    /// Held as long as the node uses the data directory.
    _lock: File,
}

impl Node {
    pub(crate) fn new(context: Arc<NodeContext>, registration: Registration, lock: File) -> Self {
        Self {
            context,
            pods: Arc::default(),
            registration,
            _lock: lock,
        }
    }

    /// [`PreparedNode::prepare`] and [`PreparedNode::register`] in one.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(config: NodeConfig, client: Client) -> Result<Self, StartError> {
        PreparedNode::prepare(config).await?.register(client).await
    }

    /// The node's addresses among the pods, one per pod range.
    pub fn gateways(&self) -> &[IpAddr] {
        self.context.network.gateways()
    }

    /// The addresses under which the node is known to the API, one per address family.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.context.node_ips
    }

    /// Runs the pods of this node until `shutdown` completes. Pods go on running afterwards;
    /// [`stop`](Self::stop) ends them.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let labels = self.registration.labels().clone();
        tokio::select! {
            () = agent::run(Arc::clone(&self.context), Arc::clone(&self.pods), labels) => {}
            () = self.registration.keep() => {}
            () = shutdown => {}
        }
    }

    /// The log of a container.
    ///
    /// # Errors
    ///
    /// When there is no such pod, container or run, or its files cannot be read.
    pub fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        options: LogOptions,
    ) -> Result<LogStream, LogError> {
        let logs = self
            .pods
            .logs(namespace, pod)
            .ok_or_else(|| LogError::PodNotFound {
                namespace: namespace.to_owned(),
                pod: pod.to_owned(),
            })?;
        let log = logs
            .container(container)
            .ok_or_else(|| LogError::ContainerNotFound {
                pod: pod.to_owned(),
                container: container.to_owned(),
                available: logs.names().collect::<Vec<_>>().join(", "),
            })?;
        let previous = options.previous;
        let (pod, container) = (pod.to_owned(), container.to_owned());
        match log.read(options) {
            Ok(Some(stream)) => Ok(stream.boxed()),
            Ok(None) if previous => Err(LogError::NoPrevious { pod, container }),
            Ok(None) => Err(LogError::NotStarted { pod, container }),
            Err(error) => Err(LogError::Read {
                pod,
                container,
                error,
            }),
        }
    }

    /// Ends all pods, within [`stop_grace`](NodeConfig::stop_grace) and a few seconds more, and
    /// removes everything that the node made on the machine except logs. The report lists what was
    /// removed and what could not be. The pods' objects stay: they run again at the next start.
    ///
    /// Call it after [`run`](Self::run) returned, while the API server still answers.
    pub async fn stop(&self) -> CleanupReport {
        self.pods.stop(self.context.config.stop_grace).await;
        if let Err(error) = self.registration.sign_off().await {
            tracing::warn!(%error, "signing off");
        }
        let mut report = CleanupReport::default();
        cleanup::remove_leftovers(&self.context.paths, &mut report).await;
        report
    }
}

/// Pieces of a log, in order. Ends with the log or, when following, with the container's run.
pub type LogStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Why there is no log to show. The wording is that of a kubelet where it has one.
#[derive(Debug, Error)]
pub enum LogError {
    /// This node runs no such pod.
    #[error("pod {pod:?} in namespace {namespace:?} does not run on this node")]
    PodNotFound {
        /// The namespace.
        namespace: String,
        /// The pod's name.
        pod: String,
    },
    /// The pod has no such container.
    #[error("container {container} is not valid for pod {pod}; it has {available}")]
    ContainerNotFound {
        /// The pod's name.
        pod: String,
        /// What was asked for.
        container: String,
        /// The names of its containers.
        available: String,
    },
    /// The container has not been started yet.
    #[error("container {container:?} in pod {pod:?} is waiting to start")]
    NotStarted {
        /// The pod's name.
        pod: String,
        /// The container's name.
        container: String,
    },
    /// The container has not been restarted.
    #[error("previous terminated container {container:?} in pod {pod:?} not found")]
    NoPrevious {
        /// The pod's name.
        pod: String,
        /// The container's name.
        container: String,
    },
    /// The files cannot be read.
    #[error("reading the log of container {container:?} in pod {pod:?}: {error}")]
    Read {
        /// The pod's name.
        pod: String,
        /// The container's name.
        container: String,
        /// The system's answer.
        error: io::Error,
    },
}
