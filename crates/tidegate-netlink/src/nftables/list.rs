//! A whole table in `nft`'s notation.

use std::fmt;

use super::{Chain, Element, Rule, Set, Table};

/// A table with everything in it; it prints as `nft list table` does, apart from how many elements
/// stand on one line.
#[derive(Clone, Debug)]
pub struct TableListing {
    /// The table.
    pub table: Table,
    /// Its sets and maps, each with its elements in the order in which they are to be printed.
    pub sets: Vec<(Set, Vec<Element>)>,
    /// Its chains, each with its rules.
    pub chains: Vec<(Chain, Vec<Rule>)>,
}

impl fmt::Display for TableListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {{", self.table)?;
        if let Some(comment) = &self.table.comment {
            writeln!(f, "\tcomment \"{comment}\"\n")?;
        }
        let mut first = true;
        for (set, elements) in &self.sets {
            if !std::mem::take(&mut first) {
                writeln!(f)?;
            }
            write!(f, "{set}")?;
            for (index, element) in elements.iter().enumerate() {
                let before = if index == 0 {
                    "\t\telements = { "
                } else {
                    ",\n\t\t\t     "
                };
                write!(f, "{before}{}", set.show(element))?;
            }
            if !elements.is_empty() {
                writeln!(f, " }}")?;
            }
            writeln!(f, "\t}}")?;
        }
        for (chain, rules) in &self.chains {
            if !std::mem::take(&mut first) {
                writeln!(f)?;
            }
            writeln!(f, "\tchain {} {{", chain.name)?;
            if let Some(base) = &chain.base {
                writeln!(f, "\t\t{base}")?;
            }
            for rule in rules {
                writeln!(f, "\t\t{rule}")?;
            }
            writeln!(f, "\t}}")?;
        }
        writeln!(f, "}}")
    }
}
