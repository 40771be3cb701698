//! Planner and dataplane together: the part that blocks while the kernel works.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tidegate_dataplane::{Dataplane, DataplaneError, Gauge, Outcome, Refusal};
use tidegate_model::{IpFamily, ServiceKey, Snapshot};
use tidegate_plan::{Delta, Plan, PlanKey, PlanSettings, Planner, Problem};

use crate::no_local::NoLocalEndpoints;
use crate::told::{News, Told};

pub(crate) struct Engine {
    planner: Planner,
    dataplane: Box<dyn Dataplane>,
    standing: Standing,
    told: Told,
    no_local: [NoLocalEndpoints; 2],
}

/// What is known of the kernel's state.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It may be anything.
    Unknown,
    /// It is the plan's, except for these Services.
    Known { refused: BTreeSet<PlanKey> },
}

/// What one attempt came to.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Whether the kernel took all that it was told.
    pub(crate) complete: bool,
    /// Whether somebody else's changes were repaired.
    pub(crate) repaired: bool,
    /// Whether all of the kernel's program was compared.
    pub(crate) full: bool,
    /// The families that it was about.
    pub(crate) families: BTreeSet<IpFamily>,
    /// How long the kernel took.
    pub(crate) took: Duration,
    /// What the owners of Services should hear.
    pub(crate) news: News,
}

/// Everything planned with other settings than before.
pub(crate) struct PlannedAnew {
    planner: Planner,
    problems: Vec<Problem>,
}

/// Why a mode could not take over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeOverError {
    #[error(transparent)]
    Dataplane(#[from] DataplaneError),
    #[error("{}", .0.refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Outcome),
}

impl Engine {
    pub(crate) fn new(settings: PlanSettings, dataplane: Box<dyn Dataplane>) -> Self {
        Self {
            planner: Planner::new(settings),
            dataplane,
            standing: Standing::Unknown,
            told: Told::default(),
            no_local: Default::default(),
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.planner.plan()
    }

    pub(crate) fn mode(&self) -> &'static str {
        self.dataplane.mode()
    }

    /// The mode at work. Whoever changes it has it reconcile.
    pub(crate) fn dataplane(&mut self) -> &mut dyn Dataplane {
        self.dataplane.as_mut()
    }

    pub(crate) fn gauges(&self) -> Vec<Gauge> {
        self.dataplane.gauges()
    }

    /// How many ports want for local backends, in [each family](IpFamily::ALL).
    pub(crate) fn no_local_endpoints(&self) -> [NoLocalEndpoints; 2] {
        self.no_local
    }

    /// The Services that the kernel refuses something of; `None` if its state is not known at all.
    pub(crate) fn refused(&self) -> Option<&BTreeSet<PlanKey>> {
        match &self.standing {
            Standing::Known { refused } => Some(refused),
            Standing::Unknown => None,
        }
    }

    /// Plans what changed; [`apply`](Self::apply) or [`reconcile`](Self::reconcile) puts it into
    /// force.
    pub(crate) fn refresh(
        &mut self,
        snapshot: &Snapshot,
        changed: BTreeSet<ServiceKey>,
    ) -> (Delta, News) {
        let mut concerned = changed.clone();
        let delta = self.planner.refresh(snapshot, changed);
        for change in &delta.changes {
            NoLocalEndpoints::follow(&mut self.no_local, change);
            concerned.insert(change.key.service.clone());
        }
        let news = self.told.judge(
            concerned,
            self.planner.plan(),
            &delta.problems,
            self.dataplane.as_ref(),
        );
        (delta, news)
    }

    /// Takes other settings and plans everything anew; [`reconcile`](Self::reconcile) has to
    /// follow.
    pub(crate) fn replan(&mut self, anew: PlannedAnew) -> News {
        self.planner = anew.planner;
        self.standing = Standing::Unknown;
        self.judge_all(&anew.problems)
    }

    /// Brings a delta into the kernel, but for what it doesn't take at the moment: the next
    /// reconcile brings that. To be called only if [`refused`](Self::refused) is known.
    pub(crate) fn apply(&mut self, mut delta: Delta) -> Attempt {
        if let Standing::Known { refused } = &self.standing {
            delta
                .changes
                .retain(|change| !refused.contains(&change.key));
        }
        let families = delta.changes.iter().map(|change| change.key.family);
        let families = families.collect();
        let started = Instant::now();
        let result = match delta.is_empty() {
            true => Ok(Outcome::default()),
            false => self.dataplane.apply(&delta),
        };
        let took = started.elapsed();
        Attempt {
            families,
            ..self.take_outcome(result, took, false)
        }
    }

    /// Compares the kernel with the plan and repairs what differs.
    pub(crate) fn reconcile(&mut self) -> Attempt {
        let started = Instant::now();
        let result = self.dataplane.reconcile(self.planner.plan());
        self.take_outcome(result, started.elapsed(), true)
    }

    /// Lets another mode program everything and take over from this one, which is given back.
    ///
    /// # Errors
    /// It can't, and what it had done is removed again; this mode goes on.
    pub(crate) fn hand_over(
        &mut self,
        mut successor: Box<dyn Dataplane>,
        anew: PlannedAnew,
    ) -> Result<(Box<dyn Dataplane>, Attempt), TakeOverError> {
        let started = Instant::now();
        let outcome = match successor.reconcile(anew.planner.plan()) {
            Ok(outcome) if outcome.refused.is_empty() => outcome,
            Ok(outcome) => return Err(self.go_on(successor, TakeOverError::Refused(outcome))),
            Err(error) => return Err(self.go_on(successor, error.into())),
        };
        let took = started.elapsed();
        let predecessor = std::mem::replace(&mut self.dataplane, successor);
        self.planner = anew.planner;
        self.standing = Standing::Unknown;
        let news = self.judge_all(&anew.problems);
        let mut attempt = self.take_outcome(Ok(outcome), took, true);
        attempt.news.extend(news);
        Ok((predecessor, attempt))
    }

    /// Takes another mode instead of one that nothing was programmed with.
    pub(crate) fn start_with(&mut self, dataplane: Box<dyn Dataplane>, settings: PlanSettings) {
        *self = Self::new(settings, dataplane);
    }

    /// Takes other settings before anything is planned.
    pub(crate) fn start_under(&mut self, settings: PlanSettings) {
        self.planner = Planner::new(settings);
    }

    pub(crate) fn remove(&mut self) -> Result<(), DataplaneError> {
        self.standing = Standing::Unknown;
        self.dataplane.remove()
    }

    fn go_on(&mut self, mut failed: Box<dyn Dataplane>, error: TakeOverError) -> TakeOverError {
        let mode = failed.mode();
        if mode == self.mode() {
            // They share one program in the kernel, so that ours has to be looked after.
            self.standing = Standing::Unknown;
        } else if let Err(error) = failed.remove() {
            tracing::error!(mode, %error, "what the mode had programmed could not be removed");
        }
        error
    }

    fn judge_all(&mut self, problems: &[Problem]) -> News {
        let plan = self.planner.plan();
        self.no_local = NoLocalEndpoints::of(plan);
        let services = plan.services.keys().map(|key| key.service.clone());
        let services = services.collect();
        self.told
            .judge(services, plan, problems, self.dataplane.as_ref())
    }

    fn take_outcome(
        &mut self,
        result: Result<Outcome, DataplaneError>,
        took: Duration,
        full: bool,
    ) -> Attempt {
        let mode = self.dataplane.mode();
        let mut attempt = Attempt {
            complete: false,
            repaired: false,
            full,
            families: BTreeSet::from(IpFamily::ALL),
            took,
            news: News::new(),
        };
        let before = std::mem::replace(&mut self.standing, Standing::Unknown);
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(mode, %error, "the kernel could not be programmed; trying again");
                return attempt;
            }
        };
        attempt.complete = outcome.refused.is_empty();
        attempt.repaired = full && before.is_in_step() && !outcome.drift.is_empty();
        attempt.news = self.told.refused(&outcome, full);
        // What belongs to a Service is told, and logged, as news: once, however often it is tried.
        let of_nobody = |refusal: &&Refusal| refusal.service.is_none();
        for refusal in outcome.refused.iter().filter(of_nobody) {
            tracing::error!(mode, "{refusal}; trying again");
        }
        for line in outcome.drift.iter().filter(|_| attempt.repaired) {
            tracing::warn!(mode, "repaired what somebody else changed: {line}");
        }
        tracing::debug!(mode, changed = outcome.changed, "programmed");
        self.standing = before.after(&outcome, full);
        attempt
    }
}

impl PlannedAnew {
    pub(crate) fn with(settings: PlanSettings, snapshot: &Snapshot) -> Self {
        let mut planner = Planner::default();
        let problems = planner.reset(settings, snapshot);
        Self { planner, problems }
    }
}

impl Standing {
    fn is_in_step(&self) -> bool {
        matches!(self, Self::Known { refused } if refused.is_empty())
    }

    /// What is known after a call that succeeded.
    fn after(self, outcome: &Outcome, full: bool) -> Self {
        let mut refused = match self {
            Self::Known { refused } if !full => refused,
            _ => BTreeSet::new(),
        };
        for refusal in &outcome.refused {
            match &refusal.service {
                Some(service) => refused.insert(service.clone()),
                // It may be of anybody's.
                None => return Self::Unknown,
            };
        }
        Self::Known { refused }
    }
}
