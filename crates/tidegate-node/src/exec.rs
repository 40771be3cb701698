//! Commands that users run in containers.

use thiserror::Error;

use crate::node::Node;
use crate::runtime::command::{self, ExecRequest, RunningCommand};
use crate::runtime::exec::ExecError;

impl Node {
    /// Runs a command in a container, with the container's namespaces, cgroup, environment,
    /// working directory and user.
    ///
    /// # Errors
    ///
    /// When the container does not run, or the command can't be started.
    pub async fn exec(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        request: ExecRequest,
    ) -> Result<RunningCommand, CommandError> {
        let running = self.pods.running(namespace, pod);
        let running = running.ok_or_else(|| CommandError::PodNotFound {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
        })?;
        let not_running = || CommandError::NotRunning {
            pod: pod.to_owned(),
            container: container.to_owned(),
        };
        let inside = running.get(container).ok_or_else(not_running)?;
        let started = command::start(&self.context.config.executable, &inside, request).await;
        started.map_err(|error| match error {
            ExecError::Start(failure) if failure.in_exec => CommandError::NotExecuted {
                code: failure.exit_code().into(),
                message: failure.message,
            },
            ExecError::Ended => not_running(),
            // A container that ends while it is entered fails in many ways.
            _ if running.get(container).is_none() => not_running(),
            other => CommandError::Failed(other.to_string()),
        })
    }
}

/// Why a command does not run.
#[derive(Debug, Error)]
pub enum CommandError {
    /// This node runs no such pod.
    #[error("pod {pod:?} in namespace {namespace:?} does not run on this node")]
    PodNotFound {
        /// The namespace.
        namespace: String,
        /// The pod's name.
        pod: String,
    },
    /// The container has not started yet, waits to be started again, or has ended.
    #[error("container {container:?} in pod {pod:?} is not running")]
    NotRunning {
        /// The pod's name.
        pod: String,
        /// The container's name.
        container: String,
    },
    /// The command is no program, or one that may not be executed.
    #[error("{message}")]
    NotExecuted {
        /// The exit code that a shell gives for it: 127 for no program, 126 for all else.
        code: i32,
        /// What is wrong with it.
        message: String,
    },
    /// The machine could not do it.
    #[error("running a command in a container: {0}")]
    Failed(String),
}
