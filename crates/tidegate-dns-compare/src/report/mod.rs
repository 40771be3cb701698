//! What is shown of the figures: tables, aims, a plot.

mod aims;
mod chart;
#[cfg(test)]
mod made_up;
mod page;

pub(crate) use chart::plot;
pub(crate) use page::page;
