//! What operators see: counters, the log of queries, and the pages.

mod addresses;
mod counters;
mod error_log;
mod page;
mod pages;
mod query_log;
mod stats;

pub(crate) use addresses::page_addresses;
pub(crate) use counters::DeskCounters;
pub(crate) use error_log::ErrorLog;
pub(crate) use page::{ServerCounters, write_page};
pub(crate) use pages::{Health, Pages, Purpose};
pub(crate) use query_log::{LogRule, QueryLog};
pub(crate) use stats::BlockStats;
