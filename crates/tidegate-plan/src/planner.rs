//! Keeps a plan in step with a snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tidegate_model::{EndpointSlice, IpFamily, ServiceKey, ServicePortName, Snapshot};

use crate::service_plan::plan_service;
use crate::{Delta, FrontendKey, Plan, PlanKey, PlanSettings, Problem, ServiceChange, ServicePlan};

/// Keeps a [`Plan`] in step with a [`Snapshot`].
#[derive(Clone, Debug, Default)]
pub struct Planner {
    plan: Plan,
    claims: Claims,
}

/// Who asks for which frontend; the first in order of names owns it.
#[derive(Clone, Debug, Default)]
struct Claims {
    by_frontend: HashMap<FrontendKey, BTreeSet<ServicePortName>>,
    by_service: HashMap<PlanKey, BTreeSet<(FrontendKey, ServicePortName)>>,
}

impl Planner {
    /// An empty plan for a node.
    pub fn new(settings: PlanSettings) -> Self {
        Self {
            plan: Plan {
                settings,
                services: BTreeMap::new(),
            },
            claims: Claims::default(),
        }
    }

    /// The plan as of the last refresh.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Plans the given Services anew and gives the difference.
    ///
    /// A Service that isn't among `changed` is planned too if a frontend that it had to go without
    /// became free, or if one that it had is taken by a Service that comes first.
    pub fn refresh(
        &mut self,
        snapshot: &Snapshot,
        changed: impl IntoIterator<Item = ServiceKey>,
    ) -> Delta {
        let mut waiting: BTreeSet<ServiceKey> = changed.into_iter().collect();
        let mut done: BTreeMap<PlanKey, ServiceChange> = BTreeMap::new();
        let mut problems = Vec::new();
        let mut wanted: BTreeMap<ServiceKey, [Option<ServicePlan>; 2]> = BTreeMap::new();
        while let Some(service) = waiting.pop_first() {
            let plans = self.plan_both(snapshot, &service);
            for (family, plan) in IpFamily::ALL.into_iter().zip(&plans) {
                let key = PlanKey {
                    service: service.clone(),
                    family,
                };
                let affected = self.claims.replace(&key, plan.as_ref());
                waiting.extend(
                    affected
                        .into_iter()
                        .filter(|other| !wanted.contains_key(other) && *other != service),
                );
            }
            wanted.insert(service, plans);
        }
        for (service, plans) in wanted {
            for (family, plan) in IpFamily::ALL.into_iter().zip(plans) {
                let key = PlanKey {
                    service: service.clone(),
                    family,
                };
                let after =
                    plan.map(|plan| Arc::new(self.claims.without_taken(plan, &mut problems)));
                let before = match &after {
                    Some(after) => self.plan.services.insert(key.clone(), Arc::clone(after)),
                    None => self.plan.services.remove(&key),
                };
                if before != after {
                    done.insert(key.clone(), ServiceChange { key, before, after });
                }
            }
        }
        Delta {
            changes: done.into_values().collect(),
            problems,
        }
    }

    /// Takes other settings and plans everything anew; programs must be reconciled after this.
    pub fn reset(&mut self, settings: PlanSettings, snapshot: &Snapshot) -> Vec<Problem> {
        *self = Self::new(settings);
        self.refresh(snapshot, snapshot.keys()).problems
    }

    /// Plans a Service for both families.
    fn plan_both(&self, snapshot: &Snapshot, key: &ServiceKey) -> [Option<ServicePlan>; 2] {
        let Some(service) = snapshot.service(key) else {
            return [None, None];
        };
        let slices: Vec<EndpointSlice> = snapshot.slices(key).collect();
        let settings = &self.plan.settings;
        IpFamily::ALL.map(|family| plan_service(&service, &slices, family, settings))
    }
}

impl Claims {
    /// Puts a Service's claims in place of its former ones and gives the other Services whose
    /// right to a frontend may be another one now.
    fn replace(&mut self, key: &PlanKey, plan: Option<&ServicePlan>) -> BTreeSet<ServiceKey> {
        let new: BTreeSet<_> = plan.into_iter().flat_map(claims_of).collect();
        let old = match new.is_empty() {
            true => self.by_service.remove(key).unwrap_or_default(),
            false => self
                .by_service
                .insert(key.clone(), new.clone())
                .unwrap_or_default(),
        };
        let mut affected = BTreeSet::new();
        for (frontend, name) in old.difference(&new) {
            if let Some(claimants) = self.by_frontend.get_mut(frontend) {
                claimants.remove(name);
                affected.extend(claimants.iter().map(|other| other.service.clone()));
                if claimants.is_empty() {
                    self.by_frontend.remove(frontend);
                }
            }
        }
        for (frontend, name) in new.difference(&old) {
            let claimants = self.by_frontend.entry(*frontend).or_default();
            affected.extend(claimants.iter().map(|other| other.service.clone()));
            claimants.insert(name.clone());
        }
        affected
    }

    /// Leaves out the frontends that a Service before this one in order owns.
    fn without_taken(&self, mut plan: ServicePlan, problems: &mut Vec<Problem>) -> ServicePlan {
        let family = plan.key.family;
        for port in &mut plan.ports {
            let (name, protocol) = (&port.name, port.name.protocol);
            port.frontends.retain(|frontend| {
                let key = frontend.key(family, protocol);
                let owner = self.by_frontend.get(&key).and_then(BTreeSet::first);
                match owner {
                    Some(owner) if owner != name => {
                        problems.push(Problem::FrontendTaken {
                            frontend: key,
                            owner: owner.clone(),
                            loser: name.clone(),
                        });
                        false
                    }
                    _ => true,
                }
            });
        }
        plan
    }
}

fn claims_of(plan: &ServicePlan) -> impl Iterator<Item = (FrontendKey, ServicePortName)> + '_ {
    plan.ports.iter().flat_map(move |port| {
        let claim = move |frontend: &crate::Frontend| {
            (
                frontend.key(plan.key.family, port.name.protocol),
                port.name.clone(),
            )
        };
        port.frontends.iter().map(claim)
    })
}
