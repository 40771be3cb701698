//! The difference between two plans.

use std::sync::Arc;

use tidegate_model::ServicePortName;

use crate::{FrontendKey, Plan, PlanKey, ServicePlan};

/// What a change of Services and slices means for the plan, and what was wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The Services whose plan is another one now, each once, ordered by key.
    pub changes: Vec<ServiceChange>,
    /// Things that were asked for and can't be had.
    pub problems: Vec<Problem>,
}

/// One Service's plan before and after, in one family; they are never equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange {
    /// The Service and the family.
    pub key: PlanKey,
    /// `None` if there was nothing to do for it.
    pub before: Option<Arc<ServicePlan>>,
    /// `None` if there is nothing to do for it any more.
    pub after: Option<Arc<ServicePlan>>,
}

/// Something in a Service that the plan leaves out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Two Services claim one address and port; the one whose name sorts first keeps it.
    #[error("{loser} asks for {frontend}, which {owner} has already: it is left out for {loser}")]
    FrontendTaken {
        /// What both ask for.
        frontend: FrontendKey,
        /// Who has it.
        owner: ServicePortName,
        /// Who goes without.
        loser: ServicePortName,
    },
}

impl Delta {
    /// Whether the kernel needs nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The difference between two complete plans with equal settings, by comparing all of both.
    pub fn between(before: &Plan, after: &Plan) -> Self {
        let gone = before
            .services
            .keys()
            .filter(|key| !after.services.contains_key(*key));
        let mut changes: Vec<ServiceChange> = gone
            .chain(after.services.keys())
            .filter_map(|key| {
                let (before, after) = (before.services.get(key), after.services.get(key));
                (before != after).then(|| ServiceChange {
                    key: key.clone(),
                    before: before.cloned(),
                    after: after.cloned(),
                })
            })
            .collect();
        changes.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Self {
            changes,
            problems: Vec::new(),
        }
    }
}
