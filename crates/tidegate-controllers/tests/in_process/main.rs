//! The controllers against the real API server, in one process, with an imagined node.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should end with a panic"
)]

mod endpoints;
mod garbage;
mod harness;
mod late;
mod namespaces;
mod node;
mod statefulsets;
mod workloads;
