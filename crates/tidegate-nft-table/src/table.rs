//! A table at work.

use std::collections::BTreeSet;

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_netlink::nftables::{Batch, Chain, Family, Rule, RuleFound};
use tidegate_plan::PlanKey;

use crate::commit::{commit_units, delete_chains};
use crate::diff::{Placed, Unit};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::look::are;
use crate::reconcile::reconcile;
use crate::shares::Shares;
use crate::table_set::TableSet;
use crate::wanted::Wanted;

/// A table that has been reconciled: what has to be known to change it without reading it.
#[derive(Clone, Debug)]
pub struct ServiceTable<S> {
    frame: Frame<S>,
    shares: Shares<S>,
    /// Chains that are no longer needed, and that the kernel wouldn't delete yet.
    leftover: BTreeSet<String>,
}

impl<S: TableSet> ServiceTable<S> {
    /// Reads the kernel's table and makes it exactly what is wanted. What differed is told, unless
    /// it is as we left it in `known`, the table before.
    ///
    /// # Errors
    /// The kernel can't be asked, or refuses what doesn't belong to a Service. Services that it
    /// refuses are in the outcome.
    pub fn reconcile(
        kernel: &mut Kernel,
        wanted: Wanted<'_, S>,
        known: Option<&Self>,
        outcome: &mut Outcome,
    ) -> Result<Self, DataplaneError> {
        let shares = reconcile(kernel, &wanted, known, outcome)?;
        Ok(Self {
            frame: wanted.frame,
            shares,
            leftover: BTreeSet::new(),
        })
    }

    /// What doesn't depend on Services.
    pub fn frame(&self) -> &Frame<S> {
        &self.frame
    }

    /// The packets that the table sees.
    pub fn family(&self) -> Family {
        self.frame.table.family
    }

    /// Brings the table from some Services' former elements to their new ones, all sorted by place.
    ///
    /// # Errors
    /// The kernel can't be asked, or refuses too much. Services that it refuses are in the outcome.
    pub fn apply<'a>(
        &mut self,
        kernel: &mut Kernel,
        changes: impl IntoIterator<Item = (&'a PlanKey, &'a [Placed<S>], &'a [Placed<S>])>,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let units = changes.into_iter().map(|(key, before, after)| {
            let mut unit = Unit::between(key, before, after);
            self.shares.settle(&mut unit);
            unit
        });
        let units: Vec<_> = units.filter(|unit| unit.len() > 0).collect();
        commit_units(kernel, &self.frame, &units, outcome)
    }

    /// Puts a rule each behind what is in chains that are always there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn append_rules(
        &mut self,
        kernel: &mut Kernel,
        rules: Vec<(String, Rule)>,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let mut batch = Batch::new();
        for (chain, rule) in &rules {
            batch.add_rule(&self.frame.table, chain, rule);
        }
        kernel.commit("adding rules", batch)?;
        outcome.changed += rules.len();
        for (chain, rule) in rules {
            self.frame.note_appended(&chain, rule);
        }
        Ok(())
    }

    /// Makes chains that come and go with Services, or writes them anew.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn add_chains(
        &mut self,
        kernel: &mut Kernel,
        chains: &[(Chain, Vec<Rule>)],
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let mut batch = Batch::new();
        self.frame.write(&mut batch, chains);
        for (chain, rules) in chains {
            self.leftover.remove(&chain.name);
            outcome.changed += rules.len();
        }
        kernel.commit("adding chains", batch)
    }

    /// Whether a chain has the rules that we gave it, and no others.
    pub(crate) fn left(&self, chain: &str, rules: &[RuleFound]) -> bool {
        let mut chains = self.frame.chains.iter();
        let ours = chains.find(|(ours, _)| ours.name == chain);
        ours.is_some_and(|(_, ours)| are(rules, ours))
    }

    /// Whether a chain is still there only because the kernel wouldn't delete it yet.
    pub(crate) fn wants_gone(&self, chain: &str) -> bool {
        self.leftover.contains(chain)
    }

    /// Deletes chains that came with Services, and those that the kernel wouldn't delete before.
    ///
    /// # Errors
    /// The kernel refuses for another reason than that it isn't done with them yet.
    pub fn delete_chains(
        &mut self,
        kernel: &mut Kernel,
        names: impl IntoIterator<Item = String>,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        self.leftover.extend(names);
        if delete_chains(kernel, &self.frame, self.leftover.iter())? {
            outcome.changed += self.leftover.len();
            self.leftover.clear();
        }
        Ok(())
    }
}
