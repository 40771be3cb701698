//! Planner and dataplane together: the part that blocks while the kernel works.

use std::collections::BTreeSet;

use tidegate_dataplane::{Dataplane, DataplaneError, Outcome, unsupported};
use tidegate_model::{ServiceKey, Snapshot};
use tidegate_plan::{Delta, PlanSettings, Planner};

pub(crate) struct Engine {
    planner: Planner,
    dataplane: Box<dyn Dataplane>,
    /// Whether the kernel's state is the plan's, as far as we know.
    in_step: bool,
}

/// What one attempt came to.
pub(crate) struct Attempt {
    /// Whether everything is in force now.
    pub(crate) complete: bool,
    /// Whether somebody else's changes were repaired.
    pub(crate) repaired: bool,
}

impl Engine {
    pub(crate) fn new(settings: PlanSettings, dataplane: Box<dyn Dataplane>) -> Self {
        Self {
            planner: Planner::new(settings),
            dataplane,
            in_step: false,
        }
    }

    pub(crate) fn services(&self) -> usize {
        self.planner.plan().services.len()
    }

    /// Plans what changed; [`commit`](Self::commit) puts it into force.
    pub(crate) fn plan(&mut self, snapshot: &Snapshot, changed: BTreeSet<ServiceKey>) -> Delta {
        self.planner.refresh(snapshot, changed)
    }

    /// Puts a delta into force, or the whole plan if the kernel's state is not known.
    pub(crate) fn commit(&mut self, delta: &Delta) -> Attempt {
        self.report_problems(delta);
        if !self.in_step {
            return self.reconcile();
        }
        if delta.is_empty() {
            return Attempt {
                complete: true,
                repaired: false,
            };
        }
        let result = self.dataplane.apply(delta);
        self.take_outcome(result, false)
    }

    /// Compares the kernel with the plan and repairs what differs.
    pub(crate) fn reconcile(&mut self) -> Attempt {
        let expect_no_drift = self.in_step;
        let result = self.dataplane.reconcile(self.planner.plan());
        self.take_outcome(result, expect_no_drift)
    }

    pub(crate) fn remove(&mut self) -> Result<(), DataplaneError> {
        self.in_step = false;
        self.dataplane.remove()
    }

    fn take_outcome(
        &mut self,
        result: Result<Outcome, DataplaneError>,
        drift_is_news: bool,
    ) -> Attempt {
        let mode = self.dataplane.mode();
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.in_step = false;
                tracing::error!(mode, %error, "the kernel could not be programmed; trying again");
                return Attempt {
                    complete: false,
                    repaired: false,
                };
            }
        };
        for refusal in &outcome.refused {
            tracing::error!(mode, "{refusal}; trying again");
        }
        let repaired = drift_is_news && !outcome.drift.is_empty();
        for line in outcome.drift.iter().filter(|_| repaired) {
            tracing::warn!(mode, "repaired what somebody else changed: {line}");
        }
        tracing::debug!(mode, changed = outcome.changed, "programmed");
        self.in_step = outcome.refused.is_empty();
        Attempt {
            complete: self.in_step,
            repaired,
        }
    }

    fn report_problems(&self, delta: &Delta) {
        for problem in &delta.problems {
            tracing::warn!("{problem}");
        }
        for plan in delta
            .changes
            .iter()
            .filter_map(|change| change.after.as_ref())
        {
            for missing in unsupported(plan, self.dataplane.as_ref()) {
                tracing::warn!("{missing}; it is served without");
            }
        }
    }
}
