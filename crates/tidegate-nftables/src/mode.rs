//! The mode at work: from plans and deltas to transactions.

use std::collections::BTreeSet;

use tidegate_dataplane::{Capability, Dataplane, DataplaneError, Forgetter, Outcome, Refusal};
use tidegate_netlink::nftables::Family;
use tidegate_nft_table::{Kernel, ServiceTable};
use tidegate_plan::{Delta, Plan, PlanKey};

use crate::WORDS;
use crate::affinity::{self, Stays};
use crate::content::{Content, Numbered};
use crate::frame::table;
use crate::memory::Memory;
use crate::numbered::numbered_rule;
use crate::program::{Program, family_of};
use crate::sets::SetId;

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
    kernel: Kernel,
    forgetter: Forgetter,
    /// What the kernel has in each family, once it has been reconciled.
    states: Vec<State>,
}

/// What has to be known about a family's table to change it without reading it.
#[derive(Debug)]
pub(crate) struct State {
    table: ServiceTable<SetId>,
    /// The numbers that there is a rule for.
    numbers: BTreeSet<Numbered>,
}

impl NftablesMode {
    /// Opens the mode on the calling thread's network namespace. Nothing is changed yet.
    ///
    /// # Errors
    /// The kernel has no nf_tables, or we may not use it.
    pub fn open() -> Result<Self, DataplaneError> {
        Ok(Self {
            kernel: Kernel::open(WORDS)?,
            forgetter: Forgetter::start(WORDS.mode)?,
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
        let mut states = self.states.iter();
        let known = states.find(|state| state.table.family() == family);
        let known = known.map(|state| &state.table);
        let table = ServiceTable::reconcile(&mut self.kernel, program.wanted(), known, outcome)?;
        let mut stays = Stays::default();
        for (_, content) in &program.services {
            stays.add(content);
        }
        affinity::forget(&mut self.kernel, &program.frame.table, None, &stays)?;
        Ok(State {
            table,
            numbers: program.numbers,
        })
    }

    /// Whether there is a table of this family.
    fn serves(&self, family: Family) -> bool {
        let mut states = self.states.iter();
        states.any(|state| state.table.family() == family)
    }
}

impl Dataplane for NftablesMode {
    fn mode(&self) -> &'static str {
        WORDS.mode
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
        let changes = delta.changes.iter();
        let unserved = changes.filter(|change| !self.serves(family_of(&change.key)));
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
        self.kernel.delete_tables(&Family::ALL.map(table))
    }
}

impl State {
    fn apply(
        &mut self,
        kernel: &mut Kernel,
        delta: &Delta,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let family = self.table.family();
        let content = |plan: &Option<_>| plan.as_deref().map_or_else(Content::default, Content::of);
        let of_family = delta.changes.iter();
        let contents: Vec<(&PlanKey, Content, Content)> = of_family
            .filter(|change| family_of(&change.key) == family)
            .map(|change| (&change.key, content(&change.before), content(&change.after)))
            .collect();
        let (mut stays_before, mut stays_after) = (Stays::default(), Stays::default());
        let mut new_numbers = BTreeSet::new();
        let (mut new_memories, mut gone) = (BTreeSet::<&Memory>::new(), BTreeSet::new());
        for (_, before, after) in &contents {
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
        let new_chains = new_memories.iter().flat_map(|memory| memory.chains(family));
        let new_chains: Vec<_> = new_chains.collect();
        self.table.add_chains(kernel, &new_chains, outcome)?;
        let changes = contents
            .iter()
            .map(|(key, before, after)| (*key, &before.elements[..], &after.elements[..]));
        self.table.apply(kernel, changes, outcome)?;
        let gone = gone.iter().flat_map(|id| id.chains());
        self.table.delete_chains(kernel, gone, outcome)?;
        let table = &self.table.frame().table;
        match stays_before.has_more_than(&stays_after) {
            true => affinity::forget(kernel, table, Some(&stays_before), &stays_after),
            false => Ok(()),
        }
    }

    /// Adds the rules for numbers that occur for the first time. A rule that is no longer used does
    /// no harm and stays until the next reconcile.
    fn add_rules(
        &mut self,
        kernel: &mut Kernel,
        numbers: BTreeSet<Numbered>,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let family = self.table.family();
        let rules = numbers.iter().map(|one| numbered_rule(family, *one));
        self.table.append_rules(kernel, rules.collect(), outcome)?;
        self.numbers.extend(numbers);
        Ok(())
    }
}
