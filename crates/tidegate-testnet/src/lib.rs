//! Machines for tests: a node, pods and clients, each a network namespace with real servers and
//! clients in it, and Services planned as the proxy plans them.
//!
//! A [`Host`] is a thread with a network namespace of its own; the kernel takes it away with the
//! test's process, also when the test fails half-way. Nothing here knows a proxy mode.

#![allow(
    clippy::missing_panics_doc,
    reason = "a test that can't be set up panics, and says why"
)]

mod host;
mod node;
mod services;
mod traffic;
mod world;

pub use host::Host;
pub use node::{Node, address, ip};
pub use services::{Cluster, NODE};
pub use traffic::{Answer, Protocol, ask, ask_from_port, serve};
pub use world::World;

use std::process::Command;

/// Runs a command in the calling thread's network namespace and gives what it printed.
pub fn run(line: &str) -> String {
    let mut words = line.split_whitespace();
    let program = words.next().expect("a command");
    let output = Command::new(program).args(words).output();
    let output = output.unwrap_or_else(|error| panic!("{program} can't be run: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A listing as a sorted list of words, since `nft` breaks lines where it likes and sorts elements
/// by a rule of its own.
pub fn words(listing: &str) -> Vec<String> {
    let mut words: Vec<String> = listing
        .split_whitespace()
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect();
    words.sort();
    words
}
