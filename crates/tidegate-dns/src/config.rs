//! What a server needs to know before it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use crate::forward::ForwardSettings;
use crate::zone::ZoneSettings;

/// Everything about a server, with defaults that suit one machine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, over UDP and TCP each. Give single addresses rather than `0.0.0.0`: a
    /// reply from a wildcard socket leaves from whichever address the kernel prefers.
    pub addresses: Vec<SocketAddr>,
    /// How many sockets, each with a task of its own, share every UDP address; the kernel spreads
    /// clients over them.
    pub udp_sockets: usize,
    /// The cluster's names.
    pub zone: ZoneSettings,
    /// Everybody else's names.
    pub forward: ForwardSettings,
    /// What clients on TCP may take up.
    pub tcp: TcpLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 53))],
            udp_sockets: thread::available_parallelism().map_or(1, usize::from),
            zone: ZoneSettings::default(),
            forward: ForwardSettings::default(),
            tcp: TcpLimits::default(),
        }
    }
}

/// Bounds on TCP connections.
#[derive(Clone, Debug)]
pub struct TcpLimits {
    /// How many connections may be open at one time; more wait to be accepted.
    pub max_connections: usize,
    /// How many replies of one connection may be outstanding before its next question is read.
    pub max_outstanding: usize,
    /// How long a connection may take to send its next whole message, or to take a reply.
    pub idle: Duration,
}

impl Default for TcpLimits {
    fn default() -> Self {
        Self {
            max_connections: 500,
            max_outstanding: 64,
            idle: Duration::from_secs(10),
        }
    }
}
