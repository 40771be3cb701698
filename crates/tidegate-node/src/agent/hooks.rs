//! The hooks of a container's life: after its start and before its end.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Lifecycle, LifecycleHandler, Pod};

use crate::pod::probe::Handler;
use crate::pod::shape;
use crate::runtime::container::Container;
use crate::runtime::handler::{self, Target};

/// Which of the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    PostStart,
    PreStop,
}

impl Hook {
    fn of(self, lifecycle: &Lifecycle) -> Option<&LifecycleHandler> {
        match self {
            Self::PostStart => lifecycle.post_start.as_ref(),
            Self::PreStop => lifecycle.pre_stop.as_ref(),
        }
    }

    /// What the hook of the container at `index` does, if it has one.
    pub(super) fn handler(self, pod: &Pod, index: usize) -> Option<Handler> {
        let (_, container) = shape::containers(pod.spec.as_ref()?).nth(index)?;
        let hook = self.of(container.lifecycle.as_ref()?)?;
        Some(Handler::of_hook(hook, container))
    }
}

/// Carries a hook out; the error says what went wrong.
pub(super) async fn run(
    hook: &Handler,
    executable: &Path,
    container: &Container,
    address: IpAddr,
    limit: Duration,
) -> Result<(), String> {
    handler::run(
        hook,
        Target {
            executable,
            container,
            address,
        },
        limit,
    )
    .await
}
