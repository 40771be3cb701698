//! How benchmarks tell what they measured: numbers, tables, and the machine that they are from.

mod machine;
mod numbers;
mod table;

pub use machine::Machine;
pub use numbers::{short, thousands, time, times};
pub use table::Table;
