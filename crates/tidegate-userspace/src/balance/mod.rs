//! Which backend a new connection goes to.

mod affinity;
mod backend;
mod port;
mod scheduler;

pub(crate) use backend::InUse;
pub(crate) use port::Port;
pub(crate) use scheduler::SCHEDULERS;
