//! What is shown of the figures: tables, aims, a plot.

mod aims;
mod chart;
mod figures;
#[cfg(test)]
mod made_up;
mod page;
mod table;

pub(crate) use chart::plot;
pub(crate) use page::page;
