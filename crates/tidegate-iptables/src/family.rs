//! One IP family at work.

use std::sync::Arc;

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_model::IpFamily;
use tidegate_plan::{Delta, Plan, PlanSettings, ServiceChange};

use crate::audit::Audit;
use crate::chains::Table;
use crate::change;
use crate::commit::Commit;
use crate::content::Content;
use crate::options::IptablesOptions;
use crate::program::{Program, endpoints, has_comments};
use crate::tally::Tally;
use crate::tool::Tool;
use crate::writer::Writer;

/// One IP family that is served.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) family: IpFamily,
    tool: Tool,
    /// What the kernel's program was made for.
    settings: PlanSettings,
    endpoints: usize,
    pub(crate) tally: Tally,
}

impl Family {
    /// A family about which nothing is known yet.
    pub(crate) fn new(family: IpFamily, tool: Tool) -> Self {
        Self {
            family,
            tool,
            settings: PlanSettings::default(),
            endpoints: 0,
            tally: Tally::default(),
        }
    }

    /// Reads what is in the kernel and makes it what the plan says.
    ///
    /// # Errors
    /// As for [`tidegate_dataplane::Dataplane::reconcile`].
    pub(crate) fn reconcile(
        &mut self,
        plan: &Plan,
        options: &IptablesOptions,
        was_there: bool,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let program = Program::of(plan, options, self.family);
        let listing = self.tool.list()?;
        self.tally.begin(false);
        self.settings = plan.settings.clone();
        self.endpoints = program.endpoints;
        for table in Table::ALL {
            let there = listing.table(table);
            let audit = Audit::of(table, &program, &there);
            if was_there && there.chains.is_empty() {
                let table = table.name();
                let drift = format!("table {table} ({}): all chains were gone", self.family);
                outcome.drift.push(drift);
            }
            outcome.drift.extend(audit.drift);
            self.commit(table, outcome).run(audit.edits)?;
            self.tally.set_rules(table, program.rules_in(table));
        }
        Ok(())
    }

    /// Brings the kernel from the plan before a delta to the one after it.
    ///
    /// # Errors
    /// As for [`tidegate_dataplane::Dataplane::apply`].
    pub(crate) fn apply(
        &mut self,
        delta: &Delta,
        options: &IptablesOptions,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let of_family = delta
            .changes
            .iter()
            .filter(|one| one.key.family == self.family);
        let changes: Vec<&ServiceChange> = of_family.collect();
        if changes.is_empty() {
            return Ok(());
        }
        let before = self.endpoints;
        for change in &changes {
            let count = |plan: &Option<_>| plan.as_deref().map_or(0, endpoints);
            self.endpoints =
                (self.endpoints + count(&change.after)).saturating_sub(count(&change.before));
        }
        let writer = |endpoints| {
            let with_comments = has_comments(endpoints);
            Writer::new(&self.settings, options, self.family, with_comments)
        };
        let (before, after) = (writer(before), writer(self.endpoints));
        let content = |writer: &Writer, plan: &Option<Arc<_>>| {
            plan.as_deref()
                .map_or_else(Content::default, |plan| writer.content(plan))
        };
        let contents: Vec<_> = changes
            .iter()
            .map(|change| {
                let (before, after) = (
                    content(&before, &change.before),
                    content(&after, &change.after),
                );
                (&change.key, before, after)
            })
            .collect();
        self.tally.begin(true);
        for table in [Table::Filter, Table::Nat] {
            let edits = contents
                .iter()
                .map(|(key, before, after)| change::edit(table, key, before, after));
            let edits = edits.filter(|edit| edit.size() > 0).collect();
            self.commit(table, outcome).run(edits)?;
            for (_, before, after) in &contents {
                let (before, after) = (before.rules_in(table), after.rules_in(table));
                self.tally.replace_rules(table, before, after);
            }
        }
        Ok(())
    }

    fn commit<'t>(&'t mut self, table: Table, outcome: &'t mut Outcome) -> Commit<'t> {
        Commit {
            tool: &self.tool,
            table,
            outcome,
            tally: &mut self.tally,
        }
    }
}
