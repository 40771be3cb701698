//! The part of a table that doesn't depend on Services.

use tidegate_netlink::nftables::{Batch, Chain, Rule, Set, Table};

use crate::diff::Placed;
use crate::table_set::TableSet;

/// A table without its Services: its sets, chains and rules, and the elements that come from the
/// settings.
#[derive(Clone, Debug)]
pub struct Frame<S> {
    /// The table. Its comment tells its shape.
    pub table: Table,
    /// All sets.
    pub sets: Vec<(S, Set)>,
    /// The chains that are always there, each with its rules.
    pub chains: Vec<(Chain, Vec<Rule>)>,
    /// What the names of chains begin with that come and go with Services, if there are such.
    pub prefix: Option<&'static str>,
    /// The elements that come from the settings.
    pub elements: Vec<Placed<S>>,
}

impl<S: TableSet> Frame<S> {
    /// A frame whose chains are always the same.
    pub fn new(table: Table, chains: Vec<(Chain, Vec<Rule>)>, elements: Vec<Placed<S>>) -> Self {
        let definition = |id: S| (id, id.definition(table.family));
        Self {
            sets: S::all().into_iter().map(definition).collect(),
            table,
            chains,
            prefix: None,
            elements,
        }
    }

    /// Makes the table, its sets and its chains, where they aren't there.
    pub(crate) fn create(&self, batch: &mut Batch) {
        batch.add_table(&self.table);
        for (_, set) in &self.sets {
            batch.add_set(&self.table, set);
        }
        for (chain, _) in &self.chains {
            batch.add_chain(&self.table, chain);
        }
    }

    /// Puts chains' rules in place of what is in them. A chain that comes and goes is made where it
    /// isn't there.
    pub(crate) fn write<'a>(
        &self,
        batch: &mut Batch,
        chains: impl IntoIterator<Item = &'a (Chain, Vec<Rule>), IntoIter: Clone>,
    ) {
        let chains = chains.into_iter();
        // A rule may lead to any of them.
        for (chain, _) in chains.clone() {
            if self.comes_and_goes(&chain.name) {
                batch.add_chain(&self.table, chain);
            }
        }
        for (chain, rules) in chains {
            batch.flush_chain(&self.table, &chain.name);
            for rule in rules {
                batch.add_rule(&self.table, &chain.name, rule);
            }
        }
    }

    /// Puts chains' rules behind what is in them.
    pub(crate) fn append(&self, batch: &mut Batch, chains: &[&(Chain, Vec<Rule>)]) {
        for (chain, rules) in chains {
            for rule in rules {
                batch.add_rule(&self.table, &chain.name, rule);
            }
        }
    }

    /// Takes note of a rule that has been put behind a chain's others.
    pub(crate) fn note_appended(&mut self, chain: &str, rule: Rule) {
        let mut chains = self.chains.iter_mut();
        if let Some((_, rules)) = chains.find(|(ours, _)| ours.name == chain) {
            rules.push(rule);
        }
    }

    /// Whether a chain of this name belongs, or belonged, to a Service.
    pub(crate) fn comes_and_goes(&self, chain: &str) -> bool {
        self.prefix.is_some_and(|prefix| chain.starts_with(prefix))
    }
}
