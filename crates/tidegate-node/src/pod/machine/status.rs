//! The API's picture of a pod's state.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, PodCondition, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::super::shape::Role;
use super::container::{ContainerMachine, Ended, State};
use super::{PodMachine, Sandbox, StopCause};

/// Scheme of container ids, as other runtimes have theirs.
const ID_SCHEME: &str = "tidegate://";

/// What a status needs besides the machine.
#[derive(Debug)]
pub(crate) struct StatusContext<'a> {
    pub(crate) host_ips: &'a [IpAddr],
    pub(crate) start_time: Timestamp,
    pub(crate) qos_class: &'a str,
    pub(crate) host_network: bool,
    /// Conditions that others maintain, as the API has them.
    pub(crate) foreign: &'a [PodCondition],
    /// Conditions that have to be true as well before the pod is ready.
    pub(crate) gates: &'a [String],
}

/// Remembers when each condition changed last.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    since: HashMap<String, (bool, Timestamp)>,
}

/// The conditions that the node maintains.
const OWN: [&str; 5] = [
    "PodScheduled",
    "PodReadyToStartContainers",
    "Initialized",
    "ContainersReady",
    "Ready",
];

impl Conditions {
    /// Goes on from what the API has.
    pub(crate) fn from_api(conditions: &[PodCondition]) -> Self {
        let since = conditions.iter().filter_map(|condition| {
            let time = condition.last_transition_time.as_ref()?.0;
            Some((condition.type_.clone(), (condition.status == "True", time)))
        });
        Self {
            since: since.collect(),
        }
    }

    /// Whether the node maintains this condition itself.
    pub(crate) fn is_own(kind: &str) -> bool {
        OWN.contains(&kind)
    }

    fn condition(&mut self, kind: &str, judgement: Judgement, now: Timestamp) -> PodCondition {
        let value = judgement.is_none();
        let entry = self.since.entry(kind.to_owned()).or_insert((value, now));
        if entry.0 != value {
            *entry = (value, now);
        }
        let (reason, message) = judgement.unzip();
        PodCondition {
            type_: kind.to_owned(),
            status: if value { "True" } else { "False" }.to_owned(),
            last_transition_time: Some(Time(entry.1)),
            reason: reason
                .filter(|reason| !reason.is_empty())
                .map(str::to_owned),
            message: message.filter(|message| !message.is_empty()),
            ..PodCondition::default()
        }
    }
}

/// `None` when a condition holds, else reason and message.
type Judgement = Option<(&'static str, String)>;

impl PodMachine {
    /// The status to report at `now`.
    pub(crate) fn status(
        &self,
        context: &StatusContext<'_>,
        conditions: &mut Conditions,
        now: Timestamp,
    ) -> PodStatus {
        let phase = self.phase();
        let addresses = if context.host_network && !self.addresses_unknown() {
            context.host_ips
        } else {
            &self.addresses
        };
        let statuses = |app: bool| -> Vec<ContainerStatus> {
            let role = |container: &&ContainerMachine| (container.shape.role == Role::App) == app;
            self.containers
                .iter()
                .filter(role)
                .map(|container| self.container_status(container))
                .collect()
        };
        let init = statuses(false);
        PodStatus {
            phase: Some(phase.to_owned()),
            conditions: Some(self.conditions(phase, context, conditions, now)),
            container_statuses: Some(statuses(true)),
            init_container_statuses: (!init.is_empty()).then_some(init),
            host_ip: context.host_ips.first().map(ToString::to_string),
            host_ips: Some(
                context
                    .host_ips
                    .iter()
                    .map(|ip| HostIP { ip: ip.to_string() })
                    .collect(),
            ),
            pod_ip: addresses.first().map(ToString::to_string),
            pod_ips: Some(
                addresses
                    .iter()
                    .map(|ip| PodIP { ip: ip.to_string() })
                    .collect(),
            ),
            qos_class: Some(context.qos_class.to_owned()),
            start_time: Some(Time(context.start_time)),
            message: self.sandbox_message(),
            ..PodStatus::default()
        }
    }

    fn addresses_unknown(&self) -> bool {
        matches!(
            self.sandbox,
            Sandbox::Missing | Sandbox::Creating | Sandbox::Failed { .. }
        )
    }

    fn sandbox_message(&self) -> Option<String> {
        match &self.sandbox {
            Sandbox::Failed { message, .. } => Some(message.clone()),
            _ => None,
        }
    }

    fn phase(&self) -> &'static str {
        let deleted = self
            .stop
            .is_some_and(|stop| stop.cause == StopCause::Deleted);
        let nothing_alive = !self.containers.iter().any(ContainerMachine::is_alive);
        let apps = || self.of_role(Role::App);
        if (self.complete || deleted) && nothing_alive {
            let failed = self.containers.iter().any(|container| {
                match (&container.state, container.shape.role) {
                    (_, Role::Sidecar) => false,
                    (State::Ended(ended), _) => ended.code != 0,
                    _ => true,
                }
            });
            return if failed { "Failed" } else { "Succeeded" };
        }
        let has_run = |container: &ContainerMachine| {
            container.is_running() || container.has_ended() || container.last.is_some()
        };
        if self.is_initialized() && apps().all(has_run) {
            "Running"
        } else {
            "Pending"
        }
    }

    fn is_initialized(&self) -> bool {
        self.containers
            .iter()
            .all(|container| container.shape.role == Role::App || container.lets_the_next_start())
    }

    fn conditions(
        &self,
        phase: &str,
        context: &StatusContext<'_>,
        conditions: &mut Conditions,
        now: Timestamp,
    ) -> Vec<PodCondition> {
        let finished = matches!(phase, "Succeeded" | "Failed");
        let sandbox = match self.sandbox {
            Sandbox::Ready { .. } => None,
            _ => Some(("", String::new())),
        };
        let initialized = if self.is_initialized() {
            None
        } else {
            let waiting = self.containers.iter().filter(|container| {
                container.shape.role != Role::App && !container.lets_the_next_start()
            });
            Some((
                "ContainersNotInitialized",
                listed("containers with incomplete status", waiting),
            ))
        };
        let ready = self.containers_ready(finished);
        let gates = context.gates.iter().find(|gate| {
            !context
                .foreign
                .iter()
                .any(|one| one.type_ == **gate && one.status == "True")
        });
        let pod_ready = ready.clone().or_else(|| {
            gates.map(|gate| {
                (
                    "ReadinessGatesNotReady",
                    format!("the condition {gate:?} is not true"),
                )
            })
        });
        let judgements = [None, sandbox, initialized, ready, pod_ready];
        let own = OWN.into_iter().zip(judgements);
        let mut all: Vec<_> = own
            .map(|(kind, judgement)| conditions.condition(kind, judgement, now))
            .collect();
        all.extend(context.foreign.iter().cloned());
        all
    }

    fn containers_ready(&self, finished: bool) -> Judgement {
        if finished {
            return Some(("PodCompleted", String::new()));
        }
        if self
            .stop
            .is_some_and(|stop| stop.cause == StopCause::NodeStopping)
        {
            return Some(("NodeStopping", "the node is stopping".to_owned()));
        }
        let mut unready = self
            .containers
            .iter()
            .filter(|container| container.shape.role != Role::Init && !container.ready)
            .peekable();
        unready.peek()?;
        Some((
            "ContainersNotReady",
            listed("containers with unready status", unready),
        ))
    }

    fn container_status(&self, container: &ContainerMachine) -> ContainerStatus {
        let (id, state) = match &container.state {
            State::Waiting | State::Starting => {
                (None, waiting(self.waiting_reason(container), None))
            }
            State::BackOff { problem, .. } => {
                (None, waiting(problem.reason, Some(problem.message.clone())))
            }
            State::Running(run) => (
                Some(run.id.clone()),
                ContainerState {
                    running: Some(ContainerStateRunning {
                        started_at: Some(Time(run.started_at)),
                    }),
                    ..ContainerState::default()
                },
            ),
            State::Ended(ended) => (ended.id.clone(), terminated(ended)),
        };
        let last_id = container.last.as_ref().and_then(|last| last.id.clone());
        let done = container.shape.role == Role::Init && container.lets_the_next_start();
        ContainerStatus {
            name: container.shape.name.clone(),
            image: container.shape.image.clone(),
            image_id: String::new(),
            container_id: id.or(last_id).map(|id| format!("{ID_SCHEME}{id}")),
            ready: container.ready || done,
            started: Some(container.started),
            restart_count: i32::try_from(container.restarts).unwrap_or(i32::MAX),
            state: Some(state),
            last_state: Some(container.last.as_ref().map(terminated).unwrap_or_default()),
            ..ContainerStatus::default()
        }
    }

    fn waiting_reason(&self, container: &ContainerMachine) -> &'static str {
        if container.shape.role == Role::App && !self.is_initialized() {
            "PodInitializing"
        } else {
            "ContainerCreating"
        }
    }
}

fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    ContainerState {
        waiting: Some(ContainerStateWaiting {
            reason: Some(reason.to_owned()),
            message,
        }),
        ..ContainerState::default()
    }
}

fn terminated(ended: &Ended) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            container_id: ended.id.as_ref().map(|id| format!("{ID_SCHEME}{id}")),
            exit_code: ended.code,
            signal: ended.signal,
            reason: Some(ended.reason.to_owned()),
            message: ended.message.clone(),
            started_at: ended.started_at.map(Time),
            finished_at: Some(Time(ended.finished_at)),
        }),
        ..ContainerState::default()
    }
}

fn listed<'a>(what: &str, containers: impl Iterator<Item = &'a ContainerMachine>) -> String {
    let names: Vec<_> = containers
        .map(|container| container.shape.name.as_str())
        .collect();
    format!("{what}: [{}]", names.join(" "))
}
