//! What one Service needs: chains of its own, and lines in the chains that all Services share.

use crate::chains::{Shared, Table};

/// The rules of one Service in one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Chains in the table `nat` that nobody else has.
    pub(crate) chains: Vec<OwnChain>,
    /// Lines in shared chains. Their order among those of other Services doesn't matter: no packet
    /// is for two of them.
    pub(crate) lines: Vec<(Shared, String)>,
}

/// A chain with its rules, each without `-A` and the chain's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnChain {
    /// The chain's name.
    pub(crate) name: String,
    /// Its rules in order.
    pub(crate) rules: Vec<String>,
}

impl Content {
    /// How many rules there are in a table.
    pub(crate) fn rules_in(&self, table: Table) -> usize {
        let own: usize = self.chains.iter().map(|chain| chain.rules.len()).sum();
        let lines = self.lines.iter().filter(|(to, _)| to.table() == table);
        lines.count() + if table == Table::Nat { own } else { 0 }
    }
}
