//! The one call from the API server to the node: a container's log.

use std::sync::{Arc, OnceLock, Weak};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use tidegate_apiserver::{LogOptions, LogStream, PodAccess, PodAccessError};
use tidegate_node::{LogError, Node};

/// Passes questions for logs on to the node, once there is one.
#[derive(Default)]
pub(crate) struct NodeLogs {
    node: OnceLock<Weak<Node>>,
}

impl NodeLogs {
    /// Says which node runs the pods.
    pub(crate) fn connect(&self, node: &Arc<Node>) {
        self.node.get_or_init(|| Arc::downgrade(node));
    }

    fn read(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        options: &LogOptions,
    ) -> Result<LogStream, PodAccessError> {
        let unknown = || PodAccessError::UnknownPod {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
        };
        let node = self
            .node
            .get()
            .and_then(Weak::upgrade)
            .ok_or_else(unknown)?;
        let options = tidegate_node::LogOptions {
            follow: options.follow,
            previous: options.previous,
            timestamps: options.timestamps,
            since: options.since,
            tail_lines: options.tail_lines,
            limit_bytes: options.limit_bytes,
        };
        let stream =
            node.logs(namespace, pod, container, options)
                .map_err(|error| match error {
                    LogError::Read { error, .. } => PodAccessError::Io(error),
                    other => PodAccessError::NotReady(other.to_string()),
                })?;
        Ok(stream.map_err(PodAccessError::Io).boxed())
    }
}

impl PodAccess for NodeLogs {
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: &'a str,
        options: LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>> {
        async move { self.read(namespace, pod, container, &options) }.boxed()
    }
}
