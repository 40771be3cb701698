//! The table of behaviours: the numbered lines of the contract, each with what is tried.

mod affinity;
mod backends;
mod change;
mod choosing;
mod frontends;
mod policies;
mod protocols;
mod ranges;
mod repair;
mod sources;
mod stale;
mod unclaimed;

use tidegate_dataplane::Capability;

use crate::{Bench, Finding};

/// One behaviour: a statement, and the body that tries whether it holds.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The number of the contract's line.
    pub line: u8,
    /// The row's name, by which it is found in results and in code.
    pub name: &'static str,
    /// What holds, in our own words.
    pub statement: &'static str,
    /// What a mode may refuse by name here.
    pub about: &'static [Capability],
    /// Tries it.
    pub body: fn(&mut Bench) -> Finding,
}

/// Makes a row of a body, whose name it takes.
macro_rules! row {
    ($line:literal, $body:ident, $statement:literal $(, $about:ident)*) => {
        $crate::rows::Row {
            line: $line,
            name: stringify!($body),
            statement: $statement,
            about: &[$(tidegate_dataplane::Capability::$about),*],
            body: $body,
        }
    };
}
use row;

/// All rows, in the order of the contract's lines.
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        frontends::ROWS,
        protocols::ROWS,
        unclaimed::ROWS,
        backends::ROWS,
        policies::ROWS,
        choosing::ROWS,
        affinity::ROWS,
        sources::ROWS,
        ranges::ROWS,
        change::ROWS,
        stale::ROWS,
        repair::ROWS,
    ]
    .concat();
    // Stable: rows of one line stay in the order in which they are written.
    rows.sort_by_key(|row| row.line);
    rows
}
