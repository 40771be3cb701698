//! Real servers: where connections go.

use std::fmt;
use std::net::SocketAddr;

/// A real server of a virtual server. Its address tells it from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RealServer {
    /// Where connections go.
    pub address: SocketAddr,
    /// How packets get there.
    pub forwarding: Forwarding,
    /// Its share of new connections, relative to the others', at most 2,147,483,647; with 0 it
    /// keeps those that it has and gets no new ones.
    pub weight: u32,
    /// How many connections make it refuse new ones; 0 for no limit.
    pub upper_threshold: u32,
    /// Below how many connections it takes new ones again; 0 for three quarters of the upper limit.
    pub lower_threshold: u32,
}

/// How packets get to a real server (`IP_VS_CONN_F_FWD_MASK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forwarding {
    /// Their destination is translated; answers come back through this machine.
    Masquerade,
    /// They are delivered on this machine.
    Local,
    /// They are wrapped into packets to the real server.
    Tunnel,
    /// They are handed to the real server unchanged; it is a neighbour.
    Route,
}

/// A real server as the kernel tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealServerFound {
    /// What it was made with.
    pub server: RealServer,
    /// How many connections it has that are established.
    pub active_connections: u32,
    /// How many connections it has in any other state; they end by time-outs.
    pub inactive_connections: u32,
    /// How many clients it has that come back to it.
    pub persistent_connections: u32,
}

impl RealServer {
    /// A real server whose packets are translated, without limits.
    pub fn masqueraded(address: SocketAddr, weight: u32) -> Self {
        Self {
            address,
            forwarding: Forwarding::Masquerade,
            weight,
            upper_threshold: 0,
            lower_threshold: 0,
        }
    }
}

impl fmt::Display for RealServer {
    /// Prints it as `ipvsadm -S -n` does, behind its virtual server's address:
    /// `-r 10.244.0.5:9376 -m -w 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address, weight, ..
        } = self;
        let forwarding = match self.forwarding {
            Forwarding::Masquerade => "-m",
            Forwarding::Tunnel => "-i",
            Forwarding::Local | Forwarding::Route => "-g",
        };
        write!(f, "-r {address} {forwarding} -w {weight}")?;
        if self.upper_threshold != 0 {
            write!(f, " -x {}", self.upper_threshold)?;
        }
        if self.lower_threshold != 0 {
            write!(f, " -y {}", self.lower_threshold)?;
        }
        Ok(())
    }
}
