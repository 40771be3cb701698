//! The real binary, in a network namespace of its own, with real clients.
//!
//! Every test makes a [`machine::Machine`], which goes away with everything in it, also when the
//! test fails or is killed.

// A skipped test says why, where the test runner shows it.
#![allow(clippy::print_stderr)]

mod dns_program;
mod machine;
mod wait;

mod bad_input;
mod clients;
mod dns;
mod dns_reload;
mod exec;
mod ipvs;
mod life_cycle;
mod lookups;
mod modes;
mod pods;
mod proxy;
mod rolling;
mod schema;
mod selections;
mod services;
mod source_ranges;
mod statefulsets;
mod storm;
mod traces;
