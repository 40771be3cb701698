//! The calls from the API server to the node: a container's log, a command in a container.

use std::sync::{Arc, OnceLock, Weak};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use tidegate_apiserver::{
    ExecProcess, ExecRequest, LogOptions, LogStream, PodAccess, PodAccessError, TerminalSize,
};
use tidegate_node::{CommandError, LogError, Node, RunningCommand};
use tokio::sync::watch;

/// Passes calls on to the node, once there is one.
#[derive(Default)]
pub(crate) struct NodeAccess {
    node: OnceLock<Weak<Node>>,
}

impl NodeAccess {
    /// Says which node runs the pods.
    pub(crate) fn connect(&self, node: &Arc<Node>) {
        self.node.get_or_init(|| Arc::downgrade(node));
    }

    fn node(&self, namespace: &str, pod: &str) -> Result<Arc<Node>, PodAccessError> {
        let node = self.node.get().and_then(Weak::upgrade);
        node.ok_or_else(|| PodAccessError::UnknownPod {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
        })
    }

    fn read(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        options: &LogOptions,
    ) -> Result<LogStream, PodAccessError> {
        let node = self.node(namespace, pod)?;
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

    async fn start(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        request: ExecRequest,
    ) -> Result<ExecProcess, PodAccessError> {
        let node = self.node(namespace, pod)?;
        let request = tidegate_node::ExecRequest {
            command: request.command,
            stdin: request.stdin,
            tty: request.tty,
        };
        let started = node.exec(namespace, pod, container, request).await;
        started.map(process).map_err(|error| match error {
            CommandError::NotExecuted { code, message } => {
                PodAccessError::NotExecuted { code, message }
            }
            CommandError::Failed(_) => PodAccessError::Failed(error.to_string()),
            other => PodAccessError::NotReady(other.to_string()),
        })
    }
}

impl PodAccess for NodeAccess {
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: &'a str,
        options: LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>> {
        async move { self.read(namespace, pod, container, &options) }.boxed()
    }

    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: &'a str,
        request: ExecRequest,
    ) -> BoxFuture<'a, Result<ExecProcess, PodAccessError>> {
        self.start(namespace, pod, container, request).boxed()
    }
}

/// The node's command as the API server knows commands.
fn process(command: RunningCommand) -> ExecProcess {
    let sizes = command.size.map(|of_node| {
        let (size, mut sizes) = watch::channel(TerminalSize::default());
        tokio::spawn(async move {
            while sizes.changed().await.is_ok() {
                let TerminalSize { width, height } = *sizes.borrow_and_update();
                of_node.send_replace(tidegate_node::TerminalSize { width, height });
            }
        });
        size
    });
    let exit = command.exit;
    ExecProcess {
        stdin: command.stdin.map(|pipe| Box::new(pipe) as _),
        stdout: command.stdout.map(|pipe| Box::new(pipe) as _),
        stderr: command.stderr.map(|pipe| Box::new(pipe) as _),
        size: sizes,
        exit: exit
            .map(|exit| exit.map_err(|error| PodAccessError::Failed(error.to_string())))
            .boxed(),
    }
}
