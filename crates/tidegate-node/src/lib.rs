//! Pods without a container engine: each one is a few processes in namespaces of their own, on the
//! host's file system, with an address on a bridge.
//!
//! [`Node`] is what a program embeds: it registers itself with an API server, takes every pod that
//! may run here, and looks after it until it is deleted: network, environment, probes, restarts,
//! logs, commands of users. [`cleanup`] removes what a node left that was killed.
//!
//! Inside, three kinds of modules keep to themselves: `pod` decides and has no effects, `runtime`
//! and `network` have effects and decide nothing, `agent` brings the two together with the API.
//! `internal` and `images` run in processes of their own. The crate never touches service rules.

mod agent;
mod cleanup;
mod config;
mod exec;
mod host_facts;
mod images;
pub mod internal;
mod logs;
mod network;
mod node;
mod pod;
mod prepare;
mod runtime;
mod state;
#[cfg(test)]
mod test_support;

pub use agent::registration::RegisterError;
pub use cleanup::{CleanupConfig, CleanupProblem, CleanupReport, cleanup};
pub use config::{BackOffSettings, NodeConfig};
pub use exec::CommandError;
pub use internal::spec::TerminalSize;
pub use logs::LogOptions;
pub use network::{NetlinkError, NetworkError, RangeError, SysctlError};
pub use node::{LogError, LogStream, Node};
pub use prepare::{PreparedNode, StartError};
pub use runtime::cgroup::CgroupError;
pub use runtime::command::{ExecRequest, RunningCommand};
