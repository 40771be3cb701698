//! The cluster's DNS server.
//!
//! The names of the cluster are answered from the live snapshot that the proxy uses too, so that an
//! endpoint and its name appear and vanish together; nothing is cached in between. Every other
//! name is passed on to other servers. The server never writes anything: not to the API, not to
//! the host.
//!
//! Packets come in at addresses (`server`), each of which has a `Desk` with the server blocks that
//! are served there; a `Block` answers at once what it can and has a task wait for the rest. What
//! the blocks are is in the configuration (`tidegate-dns-config`), which may change while they
//! work. What names the cluster has is followed in `names`, and what operators see is in `observe`.

mod block;
mod clock;
mod desk;
#[cfg(test)]
mod fuzz;
mod loop_check;
mod names;
mod observe;
mod rate_limit;
mod replies;
mod server;

pub use block::BuildError;
pub use server::{BindError, Server, ServerHandle, Setup, StartError};
