//! Tells what a table had that it shouldn't have had, and what it lacked.

use std::collections::BTreeMap;

use crate::diff::Difference;
use crate::program::Program;
use crate::sets::SetId;

/// How many differing elements of one set are told one by one.
const TOLD_SINGLY: usize = 3;

/// Differing elements, told singly where they are few and counted where they are many.
#[derive(Default)]
pub(crate) struct Report {
    by_set: BTreeMap<SetId, Vec<String>>,
    counts: BTreeMap<SetId, usize>,
}

impl Report {
    /// Takes note of a difference.
    pub(crate) fn add(&mut self, program: &Program, difference: Difference<'_>) {
        let (what, (id, element)) = match difference {
            Difference::Gone(element) => ("should not be there", element),
            Difference::New(element) => ("was missing", element),
            Difference::Changed(element, _) => ("led elsewhere", element),
        };
        *self.counts.entry(*id).or_default() += 1;
        let lines = self.by_set.entry(*id).or_default();
        if let Some(set) = program.frame.set(*id).filter(|_| lines.len() < TOLD_SINGLY) {
            let table = &program.frame.table;
            lines.push(format!(
                "{table}: {} {{ {} }} {what}",
                set.name,
                set.show(element)
            ));
        }
    }

    /// The lines for an operator to read.
    pub(crate) fn lines(self) -> Vec<String> {
        let counts = self.counts;
        let of_set = |(id, lines): (SetId, Vec<String>)| match counts.get(&id) {
            Some(count) if *count > TOLD_SINGLY => {
                let example = lines.into_iter().next().unwrap_or_default();
                vec![format!(
                    "{example}, and {} more of {}",
                    count - 1,
                    id.name()
                )]
            }
            _ => lines,
        };
        self.by_set.into_iter().flat_map(of_set).collect()
    }
}
