//! A dataplane in memory, as strict as a kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_plan::{Decision, Delta, FrontendKey, Plan, PlanKey, ServicePlan};

use crate::{Capability, Dataplane, DataplaneError, Outcome, Refusal, Retired};

/// Stands in for a kernel in unit tests and refuses what a kernel would refuse: a change that
/// starts from something other than what is there, a frontend that exists already, a balance over
/// nothing. Clones share one state, so that a test can look on while a proxy works.
#[derive(Clone, Debug)]
pub struct MemoryDataplane {
    mode: &'static str,
    state: Arc<Mutex<State>>,
}

impl Default for MemoryDataplane {
    fn default() -> Self {
        Self::named("memory")
    }
}

#[derive(Debug, Default)]
struct State {
    services: BTreeMap<PlanKey, Arc<ServicePlan>>,
    reconciled: bool,
    calls_to_fail: usize,
    reconciles: usize,
    applies: usize,
    refused: BTreeSet<PlanKey>,
    pause: Duration,
    connections: usize,
}

impl MemoryDataplane {
    /// One that goes by another name than `memory`, for tests with more than one mode.
    pub fn named(mode: &'static str) -> Self {
        Self {
            mode,
            state: Arc::default(),
        }
    }

    /// The plan that is programmed for a Service.
    pub fn service(&self, key: &PlanKey) -> Option<Arc<ServicePlan>> {
        self.lock().services.get(key).cloned()
    }

    /// How many Services are programmed.
    pub fn len(&self) -> usize {
        self.lock().services.len()
    }

    /// Whether nothing is programmed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many reconciles and applies were asked for.
    pub fn calls(&self) -> (usize, usize) {
        let state = self.lock();
        (state.reconciles, state.applies)
    }

    /// Makes the next calls fail as if the kernel was out of memory.
    pub fn fail_next(&self, calls: usize) {
        self.lock().calls_to_fail = calls;
    }

    /// Makes it refuse what is for these Services, as a kernel does that has something in its way.
    pub fn refuse(&self, services: impl IntoIterator<Item = PlanKey>) {
        self.lock().refused = services.into_iter().collect();
    }

    /// Makes every call take this long, as one to a kernel under load does.
    pub fn take_time(&self, pause: Duration) {
        self.lock().pause = pause;
    }

    /// Says how many established connections go through it, which retirement waits for.
    pub fn set_connections(&self, connections: usize) {
        self.lock().connections = connections;
    }

    /// How many established connections go through it. Its removal ends them.
    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    /// Does what somebody else's `flush ruleset` does.
    pub fn flush(&self) {
        self.lock().services.clear();
    }

    fn pause(&self) {
        let pause = self.lock().pause;
        std::thread::sleep(pause);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail_if_asked(&mut self) -> Result<(), DataplaneError> {
        if self.calls_to_fail == 0 {
            return Ok(());
        }
        self.calls_to_fail -= 1;
        Err(DataplaneError::Failed {
            step: "commit".to_owned(),
            reason: "Cannot allocate memory".to_owned(),
        })
    }

    fn insert(&mut self, plan: &Arc<ServicePlan>) -> Result<(), Refusal> {
        let refuse = |object: String, reason: &str| Refusal {
            service: Some(plan.key.clone()),
            object,
            reason: reason.to_owned(),
        };
        if self.refused.contains(&plan.key) {
            return Err(refuse(plan.key.to_string(), "Device or resource busy"));
        }
        let mut own: Vec<FrontendKey> = Vec::new();
        for port in &plan.ports {
            for frontend in &port.frontends {
                let key = frontend.key(plan.key.family, port.name.protocol);
                if own.contains(&key) || self.has_frontend(&key) {
                    return Err(refuse(key.to_string(), "File exists"));
                }
                own.push(key);
                for decision in [frontend.inside, frontend.outside] {
                    if matches!(decision, Decision::Balance(set) if port.backends(set).is_empty()) {
                        return Err(refuse(key.to_string(), "Invalid argument"));
                    }
                }
            }
        }
        self.services.insert(plan.key.clone(), Arc::clone(plan));
        Ok(())
    }

    fn has_frontend(&self, wanted: &FrontendKey) -> bool {
        self.services.values().any(|plan| {
            plan.ports.iter().any(|port| {
                port.frontends
                    .iter()
                    .any(|frontend| frontend.key(plan.key.family, port.name.protocol) == *wanted)
            })
        })
    }
}

impl Dataplane for MemoryDataplane {
    fn mode(&self) -> &'static str {
        self.mode
    }

    fn capabilities(&self) -> &'static [Capability] {
        &Capability::ALL
    }

    fn schedulers(&self) -> &'static [&'static str] {
        &["random"]
    }

    fn reconcile(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError> {
        self.pause();
        let mut state = self.lock();
        state.reconciles += 1;
        state.fail_if_asked()?;
        let there = std::mem::take(&mut state.services);
        let mut outcome = Outcome::default();
        for wanted in plan.services.values() {
            if there.get(&wanted.key) != Some(wanted) {
                outcome.changed += 1;
                outcome
                    .drift
                    .push(format!("{} was missing or different", wanted.key));
            }
            outcome.refused.extend(state.insert(wanted).err());
        }
        outcome.changed += there
            .keys()
            .filter(|key| !plan.services.contains_key(*key))
            .count();
        outcome.drift.truncate(Outcome::MOST_LINES);
        state.reconciled = true;
        Ok(outcome)
    }

    fn apply(&mut self, delta: &Delta) -> Result<Outcome, DataplaneError> {
        self.pause();
        let mut state = self.lock();
        state.applies += 1;
        state.fail_if_asked()?;
        if !state.reconciled {
            return Err(DataplaneError::Failed {
                step: "apply before the first reconcile".to_owned(),
                reason: "No such file or directory".to_owned(),
            });
        }
        let mut outcome = Outcome::default();
        for change in &delta.changes {
            if state.services.get(&change.key) != change.before.as_ref() {
                outcome.refused.push(Refusal {
                    service: Some(change.key.clone()),
                    object: change.key.to_string(),
                    reason: "No such file or directory".to_owned(),
                });
                continue;
            }
            state.services.remove(&change.key);
        }
        for plan in delta
            .changes
            .iter()
            .filter_map(|change| change.after.as_ref())
        {
            outcome.changed += 1;
            outcome.refused.extend(state.insert(plan).err());
        }
        Ok(outcome)
    }

    fn remove(&mut self) -> Result<(), DataplaneError> {
        let mut state = self.lock();
        state.fail_if_asked()?;
        state.services.clear();
        state.connections = 0;
        state.reconciled = false;
        Ok(())
    }
    fn retire(&mut self) -> Result<Retired, DataplaneError> {
        match self.lock().connections {
            0 => {}
            connections => return Ok(Retired::Draining(connections)),
        }
        self.remove().map(|()| Retired::Gone)
    }
}
