//! What is shown of the figures: tables, aims, plots.

mod aims;
mod chart;
mod frame;
#[cfg(test)]
mod made_up;
mod page;
mod plots;
mod ratios;
mod tables;

use crate::results::Results;

pub(crate) use page::page;
pub(crate) use plots::plots;

/// Results with what tells them from others.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// The heading above them.
    pub(crate) heading: &'a str,
    /// What is to be known about them before all else.
    pub(crate) note: &'a str,
    /// What the names of their plots begin with.
    pub(crate) prefix: &'a str,
    pub(crate) results: &'a Results,
}
