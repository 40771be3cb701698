//! The cluster's DNS server.
//!
//! The zone of the cluster is answered from the live snapshot that the proxy uses too, so that an
//! endpoint and its name appear and vanish together; nothing is cached in between. Every other
//! name is passed on to the host's resolvers. The server never writes anything: not to the API,
//! not to the host.
//!
//! A packet is read (`wire`), its question answered by a pure function (`zone`) or passed on
//! (`forward`), and the reply written; `respond` ties these together and `server` owns the sockets.

mod config;
mod counters;
mod forward;
mod live_zone;
mod respond;
mod server;
mod waiting;
mod wire;
mod zone;

pub use config::{Config, TcpLimits};
pub use counters::{Counter, Counters};
pub use forward::{ForwardSettings, Upstreams};
pub use server::{BindError, RunError, Server};
pub use zone::{ClusterDomain, InvalidDomain, PodNames, ZoneSettings};
