//! How a container is brought to its end: hook, signal, force.

use std::time::{Duration, Instant};

use super::super::probe::ProbeKind;
use super::container::{ContainerMachine, Run, State};
use super::{Action, Now, warning};

/// What a container gets after its hook when the hook used up the whole grace period.
const AFTER_HOOK: Duration = Duration::from_secs(2);

/// An ending that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    step: EndingStep,
    /// When patience with this step ends.
    until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndingStep {
    Hook,
    Asked,
    Killed,
}

impl Ending {
    /// When patience ends; there is none after the last step.
    pub(super) fn deadline(self) -> Option<Instant> {
        (self.step != EndingStep::Killed).then_some(self.until)
    }
}

impl ContainerMachine {
    /// Ends the container if it runs and is not ending already.
    pub(super) fn begin_ending(&mut self, grace: Duration, now: Now, actions: &mut Vec<Action>) {
        let index = self.index;
        let has_pre_stop = self.shape.has_pre_stop;
        let State::Running(run) = &mut self.state else {
            return;
        };
        if run.ending.is_some() {
            return;
        }
        let step = if grace.is_zero() {
            actions.push(Action::Kill { index });
            EndingStep::Killed
        } else if has_pre_stop {
            actions.push(Action::PreStop {
                index,
                limit: grace,
            });
            EndingStep::Hook
        } else {
            actions.push(Action::Terminate { index });
            EndingStep::Asked
        };
        run.ending = Some(Ending {
            step,
            until: now.instant + grace,
        });
        // Readiness goes on: callers that are still on their way want to know.
        self.stop_probes(&[ProbeKind::Startup, ProbeKind::Liveness], actions);
    }

    /// Shortens an ending that has begun.
    pub(super) fn hasten(&mut self, deadline: Instant) {
        if let State::Running(Run {
            ending: Some(ending),
            ..
        }) = &mut self.state
        {
            ending.until = ending.until.min(deadline);
        }
    }

    /// Loses patience with an ending when its time has come.
    pub(super) fn advance_ending(&mut self, now: Now, actions: &mut Vec<Action>) {
        let index = self.index;
        let State::Running(Run {
            ending: Some(ending),
            ..
        }) = &mut self.state
        else {
            return;
        };
        if ending.until > now.instant {
            return;
        }
        match ending.step {
            EndingStep::Hook => {
                actions.push(Action::Terminate { index });
                *ending = Ending {
                    step: EndingStep::Asked,
                    until: now.instant + AFTER_HOOK,
                };
            }
            EndingStep::Asked => {
                actions.push(Action::Kill { index });
                ending.step = EndingStep::Killed;
            }
            EndingStep::Killed => {}
        }
    }

    pub(super) fn on_hook(&mut self, failure: Option<String>, now: Now, actions: &mut Vec<Action>) {
        let index = self.index;
        if let Some(failure) = failure {
            actions.push(warning(
                "FailedPreStopHook",
                format!("PreStopHook failed: {failure}"),
            ));
        }
        let State::Running(Run {
            ending: Some(ending),
            ..
        }) = &mut self.state
        else {
            return;
        };
        if ending.step == EndingStep::Hook {
            actions.push(Action::Terminate { index });
            let until = ending.until.max(now.instant + AFTER_HOOK);
            *ending = Ending {
                step: EndingStep::Asked,
                until,
            };
        }
    }
}
