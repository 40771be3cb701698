//! What the kernel has to do: send each frontend's connections to our listener for it, and refuse
//! or drop what must be.
//!
//! The tables `ip tidegate-userspace` and `ip6 tidegate-userspace` have constant rules; Services are
//! elements of a fixed list of sets and maps. A packet is redirected by the kernel's connection
//! tracking, so whatever the client sent to is the address that answers it.

mod content;
mod frame;
mod leftovers;
mod rules;
mod sets;

pub(crate) use content::{Addresses, Content, Redirected};
pub(crate) use frame::{FrameOptions, loopback_is_selected, table, wanted};
pub(crate) use leftovers::lead_nowhere;
pub(crate) use sets::SetId;
