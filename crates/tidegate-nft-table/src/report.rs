//! Tells what a table had that it shouldn't have had, and what it lacked.

use std::collections::BTreeMap;

use tidegate_netlink::nftables::Table;

use crate::diff::Difference;
use crate::table_set::TableSet;

/// How many differing elements of one set are told one by one.
const TOLD_SINGLY: usize = 3;

/// Differing elements, told singly where they are few and counted where they are many.
pub(crate) struct Report<'a, S> {
    table: &'a Table,
    /// Of each set the first differences, and how many there are.
    by_set: BTreeMap<S, (Vec<String>, usize)>,
}

impl<'a, S: TableSet> Report<'a, S> {
    /// Nothing differs yet.
    pub(crate) fn about(table: &'a Table) -> Self {
        Self {
            table,
            by_set: BTreeMap::new(),
        }
    }

    /// Takes note of a difference.
    pub(crate) fn add(&mut self, difference: &Difference<'_, S>) {
        let (what, (id, element)) = match difference {
            Difference::Gone(element) => ("should not be there", element),
            Difference::New(element) => ("was missing", element),
            Difference::Changed(element, _) => ("led elsewhere", element),
        };
        let (lines, count) = self.by_set.entry(*id).or_default();
        *count += 1;
        if lines.len() < TOLD_SINGLY {
            let (table, set) = (self.table, id.definition(self.table.family));
            let shown = set.show(element);
            lines.push(format!("{table}: {} {{ {shown} }} {what}", set.name));
        }
    }

    /// The lines for an operator to read.
    pub(crate) fn lines(self) -> Vec<String> {
        let family = self.table.family;
        let of_set = |(id, (lines, count)): (S, (Vec<String>, usize))| match lines.first() {
            Some(example) if count > TOLD_SINGLY => {
                let name = id.definition(family).name;
                vec![format!("{example}, and {} more of {name}", count - 1)]
            }
            _ => lines,
        };
        self.by_set.into_iter().flat_map(of_set).collect()
    }
}
