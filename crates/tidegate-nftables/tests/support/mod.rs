//! What the tests with a real kernel share. Each test is a process of its own (nextest), and all
//! that it makes in the kernel lives in namespaces that end with it.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of this"
)]

mod host;
mod node;
mod services;
mod traffic;
mod world;

pub(crate) use host::Host;
pub(crate) use node::{Node, address, ip};
pub(crate) use services::Cluster;
pub(crate) use traffic::{Answer, Protocol, ask, ask_from_port, serve};
pub(crate) use world::World;

use std::process::Command;

/// Runs a command in the calling thread's network namespace and gives what it printed.
pub(crate) fn run(line: &str) -> String {
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
pub(crate) fn words(listing: &str) -> Vec<String> {
    let mut words: Vec<String> = listing
        .split_whitespace()
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect();
    words.sort();
    words
}
