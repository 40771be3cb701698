//! Objects on their way out: single answers, lists and watch streams, in the asked-for shape.

mod list;
mod table;
mod view;
mod watch_stream;

pub(crate) use self::{
    list::{ListAnswer, list_response},
    view::View,
    watch_stream::{WatchPlan, failed_watch_response, watch_response},
};
