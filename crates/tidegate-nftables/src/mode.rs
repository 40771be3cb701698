//! The mode at work: from plans and deltas to transactions.

use std::collections::BTreeSet;

use tidegate_dataplane::{Capability, Dataplane, DataplaneError, Forgetter, Outcome, Refusal};
use tidegate_netlink::nftables::{Batch, Family, Nftables};
use tidegate_plan::{Delta, Plan, PlanKey};

use crate::affinity::{self, Stays};
use crate::commit::{commit_units, delete_chains};
use crate::content::{Content, Numbered};
use crate::diff::{Shares, Unit};
use crate::error::{MODE, of_commit, of_first_question, of_socket};
use crate::frame::{Frame, table};
use crate::memory::Memory;
use crate::numbered::numbered_rule;
use crate::program::{Program, family_of};
use crate::reconcile;

/// What Services can ask of this mode.
const CAPABILITIES: &[Capability] = &[
    Capability::ClientIpAffinity,
    Capability::ExternalAddresses,
    Capability::LocalPolicy,
    Capability::SourceRanges,
    Capability::Sctp,
    Capability::Weights,
    Capability::ClientAddress,
];

/// The nftables mode on one network namespace.
#[derive(Debug)]
pub struct NftablesMode {
    kernel: Nftables,
    forgetter: Forgetter,
    /// What the kernel has in each family, once it has been reconciled.
    states: Vec<State>,
}

/// What has to be known about a family's table to change it without reading it.
#[derive(Debug)]
pub(crate) struct State {
    family: Family,
    frame: Frame,
    /// The numbers that there is a rule for.
    numbers: BTreeSet<Numbered>,
    shares: Shares,
    /// Chains of memories that are no longer needed, and that the kernel wouldn't delete yet.
    leftover: BTreeSet<String>,
}

impl NftablesMode {
    /// Opens the mode on the calling thread's network namespace. Nothing is changed yet.
    ///
    /// # Errors
    /// The kernel has no nf_tables, or we may not use it.
    pub fn open() -> Result<Self, DataplaneError> {
        let failed = |error| of_socket("opening netlink", error);
        let mut kernel = Nftables::open().map_err(failed)?;
        kernel.tables(Family::Ip).map_err(of_first_question)?;
        Ok(Self {
            kernel,
            forgetter: Forgetter::start(MODE)?,
            states: Vec::new(),
        })
    }

    fn reconcile_family(
        &mut self,
        plan: &Plan,
        family: Family,
        outcome: &mut Outcome,
    ) -> Result<State, DataplaneError> {
        let program = Program::of(plan, family);
        let was_there = self.states.iter().any(|state| state.family == family);
        let shares = reconcile::reconcile(&mut self.kernel, &program, was_there, outcome)?;
        let mut stays = Stays::default();
        for (_, content) in &program.services {
            stays.add(content);
        }
        affinity::forget(&mut self.kernel, &program.frame, None, &stays)?;
        Ok(State {
            family,
            frame: program.frame,
            numbers: program.numbers,
            shares,
            leftover: BTreeSet::new(),
        })
    }
}

impl Dataplane for NftablesMode {
    fn mode(&self) -> &'static str {
        MODE
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn schedulers(&self) -> &'static [&'static str] {
        &["random"]
    }

    fn reconcile(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError> {
        let mut outcome = Outcome::default();
        let mut states = Vec::new();
        for family in Family::ALL {
            let has_services = plan.services.keys().any(|key| family_of(key) == family);
            match self.reconcile_family(plan, family, &mut outcome) {
                Ok(state) => states.push(state),
                // A host without IPv6 serves IPv4.
                Err(error @ DataplaneError::Missing { .. })
                    if family == Family::Ip6 && !has_services =>
                {
                    tracing::info!(%error, "no Service of IPv6 can be served here");
                }
                Err(error) => return Err(error),
            }
        }
        self.states = states;
        outcome.drift.truncate(Outcome::MOST_LINES);
        self.forgetter.check(plan);
        Ok(outcome)
    }

    fn apply(&mut self, delta: &Delta) -> Result<Outcome, DataplaneError> {
        if self.states.is_empty() {
            return Err(DataplaneError::Failed {
                step: "applying a change".to_owned(),
                reason: "the kernel's state is unknown before the first reconcile".to_owned(),
            });
        }
        let mut outcome = Outcome::default();
        let is_served = |key| {
            let family = family_of(key);
            self.states.iter().any(|state| state.family == family)
        };
        let unserved = delta
            .changes
            .iter()
            .filter(|change| !is_served(&change.key));
        outcome.refused.extend(unserved.map(|change| Refusal {
            service: Some(change.key.clone()),
            object: format!("the elements of {}", change.key),
            reason: "there is no table of this family".to_owned(),
        }));
        for state in &mut self.states {
            state.apply(&mut self.kernel, delta, &mut outcome)?;
        }
        self.forgetter.tell(delta);
        Ok(outcome)
    }

    fn remove(&mut self) -> Result<(), DataplaneError> {
        self.states.clear();
        let mut batch = Batch::new();
        for family in Family::ALL {
            let ours = table(family);
            let tables = self.kernel.tables(family);
            let tables = tables.map_err(|error| of_socket("listing tables", error))?;
            if tables.iter().any(|table| table.name == ours.name) {
                batch.delete_table(&ours);
            }
        }
        let deleted = self.kernel.commit(batch);
        deleted.map_err(|error| of_commit("deleting our tables", error))
    }
}

impl State {
    fn apply(
        &mut self,
        kernel: &mut Nftables,
        delta: &Delta,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let content = |plan: &Option<_>| plan.as_deref().map_or_else(Content::default, Content::of);
        let of_family = delta.changes.iter();
        let contents: Vec<(&PlanKey, Content, Content)> = of_family
            .filter(|change| family_of(&change.key) == self.family)
            .map(|change| (&change.key, content(&change.before), content(&change.after)))
            .collect();
        let (mut stays_before, mut stays_after) = (Stays::default(), Stays::default());
        let mut units = Vec::new();
        let mut new_numbers = BTreeSet::new();
        let (mut new_memories, mut gone) = (BTreeSet::new(), BTreeSet::new());
        for (key, before, after) in &contents {
            let mut unit = Unit::between(key, before, after);
            self.shares.settle(&mut unit);
            units.push(unit);
            stays_before.add(before);
            stays_after.add(after);
            new_numbers.extend(after.numbers.difference(&self.numbers));
            let memories = after.memories.keys();
            new_memories.extend(memories.filter(|one| !before.memories.contains_key(one)));
            gone.extend(before.memories.keys().map(|memory| memory.id));
        }
        for (_, _, after) in &contents {
            gone.retain(|id| !after.memories.keys().any(|memory| memory.id == *id));
        }
        self.add_rules(kernel, new_numbers, outcome)?;
        self.add_memories(kernel, &new_memories, outcome)?;
        commit_units(kernel, &self.frame, &units, outcome)?;
        self.leftover.extend(gone.iter().flat_map(|id| id.chains()));
        self.delete_leftover(kernel, outcome)?;
        match stays_before.has_more_than(&stays_after) {
            true => affinity::forget(kernel, &self.frame, Some(&stays_before), &stays_after),
            false => Ok(()),
        }
    }

    /// Makes the chains of memories, or writes them anew for another time.
    fn add_memories(
        &mut self,
        kernel: &mut Nftables,
        memories: &BTreeSet<&Memory>,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let mut batch = Batch::new();
        for memory in memories {
            for (chain, rules) in memory.chains(self.family) {
                batch.add_chain(&self.frame.table, &chain);
                self.frame.rewrite(&mut batch, &chain, &rules);
                self.leftover.remove(&chain.name);
                outcome.changed += rules.len();
            }
        }
        kernel
            .commit(batch)
            .map_err(|error| of_commit("adding chains", error))
    }

    /// Deletes the chains of memories that are no longer needed.
    fn delete_leftover(
        &mut self,
        kernel: &mut Nftables,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let count = self.leftover.len();
        if delete_chains(kernel, &self.frame, self.leftover.iter())? {
            outcome.changed += count;
            self.leftover.clear();
        }
        Ok(())
    }

    /// Adds the rules for numbers that occur for the first time. A rule that is no longer used does
    /// no harm and stays until the next reconcile.
    fn add_rules(
        &mut self,
        kernel: &mut Nftables,
        numbers: BTreeSet<Numbered>,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let mut batch = Batch::new();
        for numbered in &numbers {
            let (chain, rule) = numbered_rule(self.family, *numbered);
            batch.add_rule(&self.frame.table, &chain, &rule);
        }
        kernel
            .commit(batch)
            .map_err(|error| of_commit("adding rules", error))?;
        outcome.changed += numbers.len();
        self.numbers.extend(numbers);
        Ok(())
    }
}
