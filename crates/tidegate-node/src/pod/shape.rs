//! The part of a pod's description that decides its course of life.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

use super::probe::{ProbeKind, ProbeTiming};

/// What happens after a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RestartPolicy {
    Always,
    OnFailure,
    Never,
}

/// The part that a container plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs to its end before the next one starts.
    Init,
    /// An init container with `restartPolicy: Always`: starts in its turn and stays.
    Sidecar,
    App,
}

/// What the life of a container depends on.
#[derive(Debug, Clone)]
pub(crate) struct ContainerShape {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) role: Role,
    pub(crate) startup: Option<ProbeTiming>,
    pub(crate) liveness: Option<ProbeTiming>,
    pub(crate) readiness: Option<ProbeTiming>,
    pub(crate) has_pre_stop: bool,
}

impl ContainerShape {
    pub(crate) fn timing(&self, kind: ProbeKind) -> Option<&ProbeTiming> {
        match kind {
            ProbeKind::Startup => self.startup.as_ref(),
            ProbeKind::Liveness => self.liveness.as_ref(),
            ProbeKind::Readiness => self.readiness.as_ref(),
        }
    }
}

/// What the life of a pod depends on. Init containers come first.
#[derive(Debug, Clone)]
pub(crate) struct PodShape {
    pub(crate) restart_policy: RestartPolicy,
    /// How long containers may take to end when nobody says otherwise.
    pub(crate) grace: Duration,
    pub(crate) containers: Vec<ContainerShape>,
}

impl PodShape {
    pub(crate) fn of(pod: &Pod) -> Self {
        let spec = pod.spec.clone().unwrap_or_default();
        let policy = spec.restart_policy.as_deref();
        let grace = spec.termination_grace_period_seconds.unwrap_or(30);
        Self {
            restart_policy: match policy {
                Some("Never") => RestartPolicy::Never,
                Some("OnFailure") => RestartPolicy::OnFailure,
                _ => RestartPolicy::Always,
            },
            grace: Duration::from_secs(u64::try_from(grace).unwrap_or(0)),
            containers: containers(&spec)
                .map(|(role, container)| shape(role, container))
                .collect(),
        }
    }
}

/// A pod's containers with their roles, in the order that every index in this crate refers to.
pub(crate) fn containers(spec: &PodSpec) -> impl Iterator<Item = (Role, &Container)> {
    let init = spec.init_containers.iter().flatten().map(|container| {
        let stays = container.restart_policy.as_deref() == Some("Always");
        (if stays { Role::Sidecar } else { Role::Init }, container)
    });
    init.chain(
        spec.containers
            .iter()
            .map(|container| (Role::App, container)),
    )
}

fn shape(role: Role, container: &Container) -> ContainerShape {
    let timing = |kind: ProbeKind| {
        // An init container that runs to its end has nobody to be ready for.
        (role != Role::Init)
            .then(|| kind.of(container).map(ProbeTiming::new))
            .flatten()
    };
    ContainerShape {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        role,
        startup: timing(ProbeKind::Startup),
        liveness: timing(ProbeKind::Liveness),
        readiness: timing(ProbeKind::Readiness),
        has_pre_stop: container
            .lifecycle
            .as_ref()
            .is_some_and(|lifecycle| lifecycle.pre_stop.is_some()),
    }
}
