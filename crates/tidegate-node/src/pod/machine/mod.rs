//! The course of a pod's life as a state machine without effects.
//!
//! Whoever runs it feeds in what happened, together with the time, carries out the actions that come
//! back, and calls again with [`Input::Tick`] at [`PodMachine::deadline`]. Everything about restarts,
//! probes and endings is decided here; `status` makes the API's picture of it.

mod container;
mod ending;
mod status;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::back_off::{BackOff, BackOffSettings};
use super::probe::ProbeKind;
use super::problem::Problem;
use super::shape::{PodShape, Role};
use container::ContainerMachine;

pub(crate) use status::{Conditions, StatusContext};

/// A moment, both for waiting and for showing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) wall: Timestamp,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// The deadline passed.
    Tick,
    SandboxReady {
        addresses: Vec<IpAddr>,
    },
    SandboxFailed {
        message: String,
    },
    /// The sandbox is gone.
    SandboxRemoved,
    Container {
        index: usize,
        event: ContainerEvent,
    },
    /// The pod shall end.
    Stop {
        grace: Duration,
        cause: StopCause,
    },
}

/// What happened to one container.
#[derive(Debug, Clone)]
pub(crate) enum ContainerEvent {
    Started {
        id: String,
    },
    /// The container could not even be described.
    NotCreated(Problem),
    /// Its program could not be executed.
    NotExecuted {
        message: String,
    },
    Exited {
        code: i32,
        signal: Option<i32>,
        out_of_memory: bool,
    },
    Probed {
        kind: ProbeKind,
        success: bool,
        message: String,
    },
    PreStopDone {
        failure: Option<String>,
    },
}

/// Why a pod ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopCause {
    /// Somebody deleted it.
    Deleted,
    /// The node stops; the pod will run again when the node does.
    NodeStopping,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    CreateSandbox,
    RemoveSandbox,
    Start {
        index: usize,
        attempt: u32,
    },
    Probe {
        index: usize,
        kind: ProbeKind,
    },
    StopProbe {
        index: usize,
        kind: ProbeKind,
    },
    PreStop {
        index: usize,
        limit: Duration,
    },
    /// SIGTERM.
    Terminate {
        index: usize,
    },
    /// SIGKILL.
    Kill {
        index: usize,
    },
    Event {
        warning: bool,
        reason: &'static str,
        message: String,
    },
}

/// What the containers share.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sandbox {
    Missing,
    Creating,
    Failed { until: Instant, message: String },
    Ready { addresses: Vec<IpAddr> },
    Removing,
    Removed,
}

#[derive(Debug, Clone, Copy)]
struct Stop {
    cause: StopCause,
    deadline: Instant,
}

/// The state of one pod.
#[derive(Debug)]
pub(crate) struct PodMachine {
    shape: PodShape,
    sandbox: Sandbox,
    sandbox_back_off: BackOff,
    /// Outlives the sandbox, so that an ended pod still shows where it was.
    addresses: Vec<IpAddr>,
    containers: Vec<ContainerMachine>,
    stop: Option<Stop>,
    /// Nothing will be started again.
    complete: bool,
}

impl PodMachine {
    /// A pod of which nothing runs. `restarts` holds what the containers' restart counts start at.
    pub(crate) fn new(shape: PodShape, restarts: &[u32], back_off: BackOffSettings) -> Self {
        let containers = shape
            .containers
            .iter()
            .enumerate()
            .map(|(index, shape)| {
                let restarts = restarts.get(index).copied().unwrap_or(0);
                ContainerMachine::new(index, shape.clone(), restarts, BackOff::new(back_off))
            })
            .collect();
        Self {
            shape,
            sandbox: Sandbox::Missing,
            sandbox_back_off: BackOff::new(back_off),
            addresses: Vec::new(),
            containers,
            stop: None,
            complete: false,
        }
    }

    /// Takes in what happened and says what to do.
    pub(crate) fn step(&mut self, input: Input, now: Now) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Tick => {}
            Input::SandboxReady { addresses } => {
                self.addresses.clone_from(&addresses);
                self.sandbox = Sandbox::Ready { addresses };
            }
            Input::SandboxFailed { message } => {
                actions.push(warning("FailedCreatePodSandBox", message.clone()));
                let until = self.sandbox_back_off.after_failure(now.instant);
                self.sandbox = Sandbox::Failed { until, message };
            }
            Input::SandboxRemoved => self.sandbox = Sandbox::Removed,
            Input::Container { index, event } => {
                let policy = self.shape.restart_policy;
                let may_restart = self.stop.is_none() && !self.complete;
                if let Some(container) = self.containers.get_mut(index) {
                    container.take(
                        event,
                        policy,
                        may_restart,
                        self.shape.grace,
                        now,
                        &mut actions,
                    );
                }
            }
            Input::Stop { grace, cause } => self.begin_stop(grace, cause, now, &mut actions),
        }
        self.advance(now, &mut actions);
        actions
    }

    /// When to call [`step`](Self::step) again even if nothing happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let sandbox = match &self.sandbox {
            Sandbox::Failed { until, .. } if self.stop.is_none() => Some(*until),
            _ => None,
        };
        let waiting = self.stop.is_none() && !self.complete;
        let containers = self.containers.iter().filter_map(|c| c.deadline(waiting));
        containers.chain(sandbox).min()
    }

    /// Whether everything has ended and the sandbox is gone.
    pub(crate) fn is_finished(&self) -> bool {
        self.sandbox == Sandbox::Removed
    }

    fn begin_stop(
        &mut self,
        grace: Duration,
        cause: StopCause,
        now: Now,
        actions: &mut Vec<Action>,
    ) {
        let deadline = now.instant + grace;
        let first = self.stop.is_none();
        let stop = self.stop.get_or_insert(Stop { cause, deadline });
        stop.deadline = stop.deadline.min(deadline);
        // Stopping the node does not take back that somebody wants the pod gone.
        if cause == StopCause::Deleted {
            stop.cause = cause;
        }
        let deadline = stop.deadline;
        for container in &mut self.containers {
            container.hasten(deadline);
            if first && container.is_running() {
                let name = &container.shape.name;
                actions.push(normal("Killing", format!("Stopping container {name}")));
            }
        }
    }

    fn advance(&mut self, now: Now, actions: &mut Vec<Action>) {
        for container in &mut self.containers {
            container.advance_ending(now, actions);
        }
        if let Some(stop) = self.stop {
            self.end(
                stop.deadline.saturating_duration_since(now.instant),
                now,
                actions,
            );
            return;
        }
        if !self.complete {
            self.prepare_sandbox(now, actions);
            if matches!(self.sandbox, Sandbox::Ready { .. }) && self.start_due(now, actions) {
                self.complete = self.has_run_its_course();
            }
        }
        if self.complete {
            self.end(self.shape.grace, now, actions);
        }
    }

    fn prepare_sandbox(&mut self, now: Now, actions: &mut Vec<Action>) {
        let due = match &self.sandbox {
            Sandbox::Missing => true,
            Sandbox::Failed { until, .. } => *until <= now.instant,
            _ => false,
        };
        if due {
            self.sandbox = Sandbox::Creating;
            actions.push(Action::CreateSandbox);
        }
    }

    /// Starts what may start now: init containers one after the other, then all the others. Returns
    /// whether no init container is in the way any more.
    fn start_due(&mut self, now: Now, actions: &mut Vec<Action>) -> bool {
        for container in &mut self.containers {
            if container.shape.role != Role::App && !container.lets_the_next_start() {
                container.start_if_due(now, actions);
                return container.has_failed_for_good();
            }
        }
        for container in &mut self.containers {
            container.start_if_due(now, actions);
        }
        true
    }

    fn has_run_its_course(&self) -> bool {
        let init_failed = self
            .containers
            .iter()
            .any(|container| container.shape.role == Role::Init && container.has_failed_for_good());
        init_failed || self.of_role(Role::App).all(ContainerMachine::has_ended)
    }

    /// Ends all containers, sidecars after the others, and removes the sandbox after the last one.
    fn end(&mut self, grace: Duration, now: Now, actions: &mut Vec<Action>) {
        let others_run = |role: Role| role != Role::Sidecar;
        let first = self
            .containers
            .iter()
            .any(|container| others_run(container.shape.role) && container.is_alive());
        for container in &mut self.containers {
            if !first || others_run(container.shape.role) {
                container.begin_ending(grace, now, actions);
            }
        }
        if self.containers.iter().any(ContainerMachine::is_alive) {
            return;
        }
        match self.sandbox {
            // Its creation is under way; its report comes back here.
            Sandbox::Creating | Sandbox::Removing | Sandbox::Removed => {}
            Sandbox::Missing | Sandbox::Failed { .. } => self.sandbox = Sandbox::Removed,
            Sandbox::Ready { .. } => {
                self.sandbox = Sandbox::Removing;
                actions.push(Action::RemoveSandbox);
            }
        }
    }

    fn of_role(&self, role: Role) -> impl Iterator<Item = &ContainerMachine> {
        self.containers
            .iter()
            .filter(move |container| container.shape.role == role)
    }
}

fn normal(reason: &'static str, message: String) -> Action {
    Action::Event {
        warning: false,
        reason,
        message,
    }
}

fn warning(reason: &'static str, message: String) -> Action {
    Action::Event {
        warning: true,
        reason,
        message,
    }
}

#[cfg(test)]
mod tests;
