//! What a proxy mode must offer, and a strict in-memory fake of it.
//!
//! A mode turns plans into programs for the kernel. It never knows Kubernetes: it sees
//! [`tidegate_plan::Plan`]s and [`tidegate_plan::Delta`]s, in which everything is decided.

mod capability;
mod clean_ups;
mod dataplane;
mod flows;
mod forgetter;
mod histogram;
mod memory;

pub use capability::{Capability, Unsupported, unsupported};
pub use clean_ups::CleanUps;
pub use dataplane::{Dataplane, DataplaneError, Gauge, Outcome, Refusal, Retired};
pub use forgetter::Forgetter;
pub use histogram::Histogram;
pub use memory::MemoryDataplane;
