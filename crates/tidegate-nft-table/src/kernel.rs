//! A mode's way to its tables.

use std::thread;
use std::time::Duration;

use tidegate_dataplane::DataplaneError;
use tidegate_netlink::SocketError;
use tidegate_netlink::nftables::{Batch, Family, Nftables, Table};

use crate::error::Words;

/// In which any packet has left the rules that it was in: it takes microseconds, unless a virtual
/// machine stands still meanwhile.
const LONGEST_PASSAGE: Duration = Duration::from_millis(20);

/// The packet filter of one network namespace, whose errors are told in a mode's words.
#[derive(Debug)]
pub struct Kernel {
    /// The packet filter.
    pub nftables: Nftables,
    /// The mode's words.
    pub words: Words,
}

impl Kernel {
    /// Opens the packet filter of the calling thread's network namespace.
    ///
    /// # Errors
    /// The kernel has no nf_tables, or we may not use it.
    pub fn open(words: Words) -> Result<Self, DataplaneError> {
        let nftables = Nftables::open();
        let mut nftables = nftables.map_err(|error| words.of_socket("opening netlink", error))?;
        let tables = nftables.tables(Family::Ip);
        tables.map_err(|error| words.of_first_question(error))?;
        Ok(Self { nftables, words })
    }

    /// Commits a batch.
    ///
    /// # Errors
    /// The step failed, and nothing of the batch was done.
    pub fn commit(&mut self, step: &str, batch: Batch) -> Result<(), DataplaneError> {
        let done = self.nftables.commit(batch);
        done.map_err(|error| self.words.of_commit(step, error))
    }

    /// Whether there is a table of this name.
    ///
    /// # Errors
    /// The tables can't be listed.
    pub fn has(&mut self, table: &Table) -> Result<bool, DataplaneError> {
        let tables = self.ask("listing tables", |nftables| nftables.tables(table.family))?;
        Ok(tables.iter().any(|there| there.name == table.name))
    }

    /// Deletes tables, where they are.
    ///
    /// The kernel empties a table's sets for packets that are just passing its rules. Such a packet
    /// would be refused as one for a port that nobody has, though another mode serves it already.
    /// So first no more packets are let in.
    ///
    /// # Errors
    /// They can't be listed or deleted.
    pub fn delete_tables(&mut self, tables: &[Table]) -> Result<(), DataplaneError> {
        let (mut closing, mut batch) = (Batch::new(), Batch::new());
        for table in tables {
            if !self.has(table)? {
                continue;
            }
            let chains = self.ask("listing chains", |nftables| nftables.chains(table))?;
            for chain in chains.iter().filter(|chain| chain.is_entrance()) {
                closing.flush_chain(table, &chain.name);
                closing.delete_chain(table, &chain.name);
            }
            batch.delete_table(table);
        }
        if !closing.is_empty() {
            self.commit("deleting the base chains of our tables", closing)?;
            thread::sleep(LONGEST_PASSAGE);
        }
        self.commit("deleting our tables", batch)
    }

    /// Reads something.
    pub(crate) fn ask<T>(
        &mut self,
        step: &str,
        question: impl FnOnce(&mut Nftables) -> Result<T, SocketError>,
    ) -> Result<T, DataplaneError> {
        question(&mut self.nftables).map_err(|error| self.words.of_socket(step, error))
    }
}
