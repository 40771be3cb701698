//! The Kubernetes API on the wire: kinds, validation, allocation, watch.
//!
//! A [`Server`] serves objects from a [`tidegate_store::Store`] over HTTPS, and to clients in the
//! same process without it. Which kinds there are is a table; handlers are written once. The server
//! keeps no state that is not in the store, so several can run on one.
//!
//! This crate never runs a pod, programs a kernel or reconciles anything: it answers requests.

mod api;
mod authorize;
mod client;
mod config;
mod discovery;
mod error;
mod identity;
mod kinds;
mod listener;
mod object;
mod openapi;
mod pki;
mod pod_access;
mod request;
mod respond;
mod router;
mod selector;
mod server;
mod services;
mod storage;
mod upkeep;
mod verbs;
mod version;

pub use config::Config;
pub use pki::PkiError;
pub use pod_access::{
    ExecProcess, ExecRequest, LogOptions, LogStream, PodAccess, PodAccessError, TerminalSize,
};
pub use server::{Server, StartError};
pub use upkeep::BootstrapError;
