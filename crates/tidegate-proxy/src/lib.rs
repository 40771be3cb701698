//! The loop from watch to plan to kernel.
//!
//! [`Proxy::run`] is all of it: it hears of changed Services, has them planned, and hands the
//! difference to a [`Dataplane`](tidegate_dataplane::Dataplane). It never renders a rule and never
//! decides where a connection goes.

mod engine;
mod proxy;
mod status;

pub use proxy::{Proxy, ProxyConfig};
pub use status::Status;
