//! Queues of keys that need attention, and the workers that give it.

mod pace;
mod queue;
mod workers;

pub(crate) use pace::Pace;
pub(crate) use queue::WorkQueue;
pub(crate) use workers::{Next, work};
