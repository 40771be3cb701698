//! Machines for tests: a node, pods and clients, each a network namespace with real servers and
//! clients in it, and Services planned as the proxy plans them.
//!
//! A [`Host`] is a thread with a network namespace of its own; the kernel takes it away with the
//! test's process, also when the test fails half-way. Nothing here knows a proxy mode.

#![allow(
    clippy::missing_panics_doc,
    reason = "a test that can't be set up panics, and says why"
)]

pub mod basics;
mod caller;
mod command;
mod ending;
mod host;
mod node;
mod ping;
mod sctp;
mod serve;
mod services;
mod surroundings;
mod talk;
mod traffic;
mod world;

pub use caller::Caller;
pub use command::{run, run_with_input, words};
pub use host::Host;
pub use node::{Node, Open, OpenHere, address, ip};
pub use ping::ping;
pub use sctp::{SctpListener, send_sctp_init};
pub use serve::serve;
pub use services::{Cluster, NODE, OTHER_NODE, endpoint};
pub use talk::Talk;
pub use traffic::{Answer, Call, Protocol, ask, ask_all, ask_from_port, count_answers};
pub use world::{REMOTE, World};
