//! What to do next about a StatefulSet's pods.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::Pod;

use super::identity::{has_labels, ordinal_of, revision_of};
use super::new_pod::new_pod;
use super::settings::{Rolling, Settings};
use crate::{object, pods};

/// What is known when a decision is made.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) stateful_set: &'a StatefulSet,
    /// The pods that the set owns.
    pub(super) pods: &'a [Arc<Pod>],
    /// What pods below the partition are made from.
    pub(super) current: &'a ControllerRevision,
    /// What all others are made from.
    pub(super) update: &'a ControllerRevision,
    pub(super) now: Timestamp,
}

/// Something to be done to one pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Create(Box<Pod>),
    Delete(Arc<Pod>),
    /// Gives an adopted pod the labels that say who it is.
    Label(Arc<Pod>, i32),
}

/// What can be done now; for a set whose pods wait for each other this is one thing at most,
/// relabelling aside.
pub(super) fn steps(input: &Input<'_>) -> Vec<Step> {
    let mut round = Round::new(input);
    if input.stateful_set.metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    // A pause stands in the way of everything that would come after it.
    let all_there = round.fill();
    if all_there && round.shrink() {
        round.renew();
    }
    round.steps
}

/// Pods that must pass before the next step, seen in order.
struct Round<'a> {
    input: &'a Input<'a>,
    settings: Settings,
    by_ordinal: BTreeMap<i32, &'a Arc<Pod>>,
    steps: Vec<Step>,
}

impl<'a> Round<'a> {
    fn new(input: &'a Input<'a>) -> Self {
        let set = input.stateful_set;
        let numbered = input.pods.iter();
        Self {
            input,
            settings: Settings::of(set),
            by_ordinal: numbered
                .filter_map(|pod| Some((ordinal_of(set, &pod.metadata)?, pod)))
                .collect(),
            steps: Vec::new(),
        }
    }

    /// Creates what is missing, the lowest first. False if something has to happen first.
    fn fill(&mut self) -> bool {
        for ordinal in self.settings.ordinals() {
            let Some(pod) = self.by_ordinal.get(&ordinal).copied() else {
                let revision = if self.settings.is_updated(ordinal) {
                    self.input.update
                } else {
                    self.input.current
                };
                let pod = new_pod(self.input.stateful_set, revision, ordinal);
                self.steps.push(Step::Create(Box::new(pod)));
                if self.settings.ordered {
                    return false;
                }
                continue;
            };
            if pods::is_finished(pod) {
                // Its successor has the same name, so it must be gone first.
                if !pods::is_terminating(pod) {
                    self.steps.push(Step::Delete(Arc::clone(pod)));
                }
                if self.settings.ordered {
                    return false;
                }
                continue;
            }
            if self.settings.ordered && !self.is_available(pod) {
                return false;
            }
            if !has_labels(pod, ordinal) {
                self.steps.push(Step::Label(Arc::clone(pod), ordinal));
            }
        }
        true
    }

    /// Deletes what is too much, the highest first. False if something has to happen first.
    fn shrink(&mut self) -> bool {
        let wanted = self.settings.ordinals();
        let ill = self
            .by_ordinal
            .values()
            .copied()
            .find(|pod| !is_healthy(pod));
        let surplus: Vec<_> = (self.by_ordinal.iter().rev())
            .filter(|(ordinal, _)| !wanted.contains(ordinal))
            .map(|(_, pod)| *pod)
            .collect();
        for pod in surplus {
            let is_first_ill = ill.is_some_and(|ill| Arc::ptr_eq(ill, pod));
            if pods::is_terminating(pod) {
                if self.settings.ordered {
                    return false;
                }
                continue;
            }
            // A pod that is ill goes in its turn only if none before it is: a user may want to
            // see to that one first.
            if self.settings.ordered && !is_first_ill && !self.is_available(pod) {
                return false;
            }
            self.steps.push(Step::Delete(Arc::clone(pod)));
            if self.settings.ordered {
                return false;
            }
        }
        true
    }

    /// Deletes pods of an old revision, the highest first, no more at a time than may be missing.
    fn renew(&mut self) {
        let Some(Rolling {
            max_unavailable, ..
        }) = self.settings.rolling
        else {
            return;
        };
        let newest = object::name(&self.input.update.metadata);
        let candidates: Vec<_> = (self.settings.ordinals().rev())
            .take_while(|ordinal| self.settings.is_updated(*ordinal))
            .filter_map(|ordinal| self.by_ordinal.get(&ordinal).copied())
            .collect();
        let mut missing = 0;
        for pod in candidates {
            if missing >= max_unavailable {
                return;
            }
            if revision_of(pod) != newest && !pods::is_terminating(pod) {
                self.steps.push(Step::Delete(Arc::clone(pod)));
                missing += 1;
            } else if !self.is_available(pod) {
                missing += 1;
            }
        }
    }

    fn is_available(&self, pod: &Pod) -> bool {
        let left = pods::available_in(pod, self.settings.min_ready, self.input.now);
        is_healthy(pod) && left == Some(Duration::ZERO)
    }
}

/// The pod runs, is ready, and is not being deleted.
pub(super) fn is_healthy(pod: &Pod) -> bool {
    pods::phase(pod) == "Running" && pods::is_ready(pod) && !pods::is_terminating(pod)
}
