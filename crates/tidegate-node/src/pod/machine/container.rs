//! The state of one container.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::back_off::BackOff;
use super::super::probe::{ProbeCounter, ProbeKind, Verdict};
use super::super::problem::Problem;
use super::super::shape::{ContainerShape, RestartPolicy, Role};
use super::ending::Ending;
use super::{Action, ContainerEvent, Now, normal, warning};

/// A finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) id: Option<String>,
    pub(super) code: i32,
    pub(super) signal: Option<i32>,
    pub(super) reason: &'static str,
    pub(super) message: Option<String>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Timestamp,
}

/// A run that goes on.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) started_at: Timestamp,
    began: Instant,
    pub(super) ending: Option<Ending>,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    /// Its turn has not come.
    Waiting,
    /// It will be tried again.
    BackOff {
        until: Instant,
        problem: Problem,
    },
    Starting,
    Running(Run),
    /// It will not run again.
    Ended(Ended),
}

#[derive(Debug)]
pub(super) struct ContainerMachine {
    pub(super) index: usize,
    pub(super) shape: ContainerShape,
    pub(super) state: State,
    pub(super) restarts: u32,
    /// How often this node started it.
    attempts: u32,
    pub(super) last: Option<Ended>,
    pub(super) ready: bool,
    /// Past its startup probe.
    pub(super) started: bool,
    back_off: BackOff,
    counters: [ProbeCounter; 3],
}

impl ContainerMachine {
    pub(super) fn new(
        index: usize,
        shape: ContainerShape,
        restarts: u32,
        back_off: BackOff,
    ) -> Self {
        Self {
            index,
            shape,
            state: State::Waiting,
            restarts,
            attempts: 0,
            last: None,
            ready: false,
            started: false,
            back_off,
            counters: Default::default(),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    /// Whether a process exists or may come into being.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.state, State::Running(_) | State::Starting)
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    pub(super) fn has_failed_for_good(&self) -> bool {
        matches!(&self.state, State::Ended(ended) if ended.code != 0)
    }

    /// Whether an init container no longer holds up those behind it.
    pub(super) fn lets_the_next_start(&self) -> bool {
        match self.shape.role {
            Role::Init => matches!(&self.state, State::Ended(ended) if ended.code == 0),
            // Once started, a sidecar that restarts does not stop the others.
            Role::Sidecar => self.started || self.last.is_some(),
            Role::App => true,
        }
    }

    pub(super) fn start_if_due(&mut self, now: Now, actions: &mut Vec<Action>) {
        let due = match &self.state {
            State::Waiting => true,
            State::BackOff { until, .. } => *until <= now.instant,
            _ => false,
        };
        if !due {
            return;
        }
        if self.attempts > 0 && self.last.is_some() {
            self.restarts = self.restarts.saturating_add(1);
        }
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::Starting;
        actions.push(Action::Start {
            index: self.index,
            attempt: self.restarts,
        });
    }

    pub(super) fn take(
        &mut self,
        event: ContainerEvent,
        policy: RestartPolicy,
        may_restart: bool,
        grace: Duration,
        now: Now,
        actions: &mut Vec<Action>,
    ) {
        match event {
            ContainerEvent::Started { id } => self.on_started(id, now, actions),
            ContainerEvent::NotCreated(problem) => {
                actions.push(warning("Failed", problem.message.clone()));
                let until = self.back_off.after_failure(now.instant);
                self.state = State::BackOff { until, problem };
            }
            ContainerEvent::NotExecuted { message } => {
                actions.push(warning("Failed", format!("Error: {message}")));
                let ended = Ended {
                    id: None,
                    code: 128,
                    signal: None,
                    reason: "StartError",
                    message: Some(message.clone()),
                    started_at: None,
                    finished_at: now.wall,
                };
                let problem = Problem {
                    reason: "RunContainerError",
                    message,
                };
                let until = self.back_off.after_failure(now.instant);
                self.settle(ended, policy, may_restart, || State::BackOff {
                    until,
                    problem,
                });
            }
            ContainerEvent::Exited {
                code,
                signal,
                out_of_memory,
            } => {
                self.on_exit(
                    code,
                    signal,
                    out_of_memory,
                    policy,
                    may_restart,
                    now,
                    actions,
                );
            }
            ContainerEvent::Probed {
                kind,
                success,
                message,
            } => {
                self.on_probe(kind, success, &message, grace, now, actions);
            }
            ContainerEvent::PreStopDone { failure } => self.on_hook(failure, now, actions),
        }
    }

    fn on_started(&mut self, id: String, now: Now, actions: &mut Vec<Action>) {
        actions.push(normal(
            "Started",
            format!("Started container {}", self.shape.name),
        ));
        self.state = State::Running(Run {
            id,
            started_at: now.wall,
            began: now.instant,
            ending: None,
        });
        self.counters = Default::default();
        if self.shape.startup.is_some() {
            actions.push(Action::Probe {
                index: self.index,
                kind: ProbeKind::Startup,
            });
        } else {
            self.pass_startup(actions);
        }
    }

    fn pass_startup(&mut self, actions: &mut Vec<Action>) {
        self.started = true;
        self.ready = self.shape.readiness.is_none();
        for kind in [ProbeKind::Liveness, ProbeKind::Readiness] {
            if self.shape.timing(kind).is_some() {
                actions.push(Action::Probe {
                    index: self.index,
                    kind,
                });
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one call, all facts of one exit")]
    fn on_exit(
        &mut self,
        code: i32,
        signal: Option<i32>,
        out_of_memory: bool,
        policy: RestartPolicy,
        may_restart: bool,
        now: Now,
        actions: &mut Vec<Action>,
    ) {
        let State::Running(run) = &self.state else {
            return;
        };
        let run = run.clone();
        self.stop_probes(&ProbeKind::ALL, actions);
        self.ready = false;
        self.started = false;
        let reason = match (out_of_memory, code) {
            (true, _) => "OOMKilled",
            (false, 0) => "Completed",
            (false, _) => "Error",
        };
        let ended = Ended {
            id: Some(run.id),
            code,
            signal,
            reason,
            message: None,
            started_at: Some(run.started_at),
            finished_at: now.wall,
        };
        let until = self.back_off.after_run(run.began, now.instant);
        let wait = until.saturating_duration_since(now.instant);
        let message = format!(
            "back-off {} restarting failed container={}",
            shown(wait),
            self.shape.name
        );
        let restarts = self.settle(ended, policy, may_restart, || State::BackOff {
            until,
            problem: Problem {
                reason: "CrashLoopBackOff",
                message: message.clone(),
            },
        });
        if restarts && !wait.is_zero() {
            actions.push(warning("BackOff", message));
        }
    }

    /// Puts the container to rest, for a while or for good. Returns whether it will run again.
    fn settle(
        &mut self,
        ended: Ended,
        policy: RestartPolicy,
        may_restart: bool,
        again: impl FnOnce() -> State,
    ) -> bool {
        let wanted = match (self.shape.role, policy) {
            (Role::Sidecar, _) | (Role::App, RestartPolicy::Always) => true,
            (Role::Init | Role::App, RestartPolicy::Never) => false,
            (Role::Init, _) | (Role::App, RestartPolicy::OnFailure) => ended.code != 0,
        };
        if wanted && may_restart {
            self.last = Some(ended);
            self.state = again();
            return true;
        }
        self.state = State::Ended(ended);
        false
    }

    fn on_probe(
        &mut self,
        kind: ProbeKind,
        success: bool,
        message: &str,
        grace: Duration,
        now: Now,
        actions: &mut Vec<Action>,
    ) {
        let (State::Running(_), Some(timing)) = (&self.state, self.shape.timing(kind).copied())
        else {
            return;
        };
        let name = &self.shape.name;
        if !success {
            actions.push(warning(
                "Unhealthy",
                format!("{} probe failed: {message}", kind.name()),
            ));
        }
        let verdict = self.counters[kind as usize].count(success, &timing);
        match (kind, verdict) {
            (_, None) => {}
            (ProbeKind::Readiness, Some(verdict)) => self.ready = verdict == Verdict::Passed,
            (ProbeKind::Startup, Some(Verdict::Passed)) => {
                if !self.started {
                    self.stop_probes(&[ProbeKind::Startup], actions);
                    self.pass_startup(actions);
                }
            }
            (ProbeKind::Liveness, Some(Verdict::Passed)) => {}
            (_, Some(Verdict::Failed)) => {
                let what = kind.name().to_lowercase();
                let message = format!("Container {name} failed {what} probe, will be restarted");
                actions.push(normal("Killing", message));
                self.begin_ending(timing.grace.unwrap_or(grace), now, actions);
            }
        }
    }

    pub(super) fn stop_probes(&self, kinds: &[ProbeKind], actions: &mut Vec<Action>) {
        for kind in kinds {
            if self.shape.timing(*kind).is_some() {
                actions.push(Action::StopProbe {
                    index: self.index,
                    kind: *kind,
                });
            }
        }
    }

    /// When something is due here; `waiting` says whether restarts count.
    pub(super) fn deadline(&self, waiting: bool) -> Option<Instant> {
        match &self.state {
            State::BackOff { until, .. } if waiting => Some(*until),
            State::Running(run) => run.ending.and_then(Ending::deadline),
            _ => None,
        }
    }
}

/// Whole seconds as `kubectl` users know them: `10s`, `2m40s`.
fn shown(wait: Duration) -> String {
    let seconds = wait.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}
