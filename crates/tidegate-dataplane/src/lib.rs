//! What a proxy mode must offer, and a strict in-memory fake of it.
//!
//! A mode turns plans into programs for the kernel. It never knows Kubernetes: it sees
//! [`tidegate_plan::Plan`]s and [`tidegate_plan::Delta`]s, in which everything is decided.

mod capability;
mod dataplane;
mod memory;

pub use capability::{Capability, Unsupported, unsupported};
pub use dataplane::{Dataplane, DataplaneError, Outcome, Refusal};
pub use memory::MemoryDataplane;
