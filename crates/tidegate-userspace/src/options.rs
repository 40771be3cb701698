//! How the user-space data path works.

use std::time::Duration;

use crate::engine::EngineOptions;
use crate::redirect::FrameOptions;

/// How the user-space data path works. The defaults are good for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserspaceOptions {
    /// How long a backend may take to answer a dial: the first that is tried, the second and so on;
    /// the last time holds for all further ones. When so many did not answer, the client is
    /// refused, unless there are backends left that weren't tried at all.
    ///
    /// Upstream's times: 250 ms, 500 ms, 1 s, 2 s.
    pub dial_timeouts: Vec<Duration>,
    /// How long a UDP session lives without a datagram either way.
    ///
    /// The default is 30 s, which is how long the kernel's connection tracking remembers a UDP flow
    /// by default: it forgets where the client's datagrams are redirected no later than we forget
    /// where they go on. Upstream's 250 ms cut off every server that thinks for longer; a flood of
    /// short sessions is bounded by [`udp_sessions`](Self::udp_sessions) instead.
    pub udp_idle: Duration,
    /// The most UDP sessions of one listener. One more ends the one that was idle for longest.
    pub udp_sessions: usize,
    /// Whether node ports answer on 127.0.0.1 too, as upstream's `--iptables-localhost-nodeports`
    /// says for its mode; only where `nodePortAddresses` doesn't leave that address out.
    pub loopback_node_ports: bool,
    /// How many threads forward. The default is one for each processor.
    pub threads: usize,
    /// Whether the kernel may use a local port again one second after its connection was closed,
    /// where TCP timestamps make that safe (the sysctl `net.ipv4.tcp_tw_reuse`).
    ///
    /// Of a forwarded connection that the client ends first, we end the part to the backend first,
    /// so the 60 seconds of waiting are ours. Without reuse, that limits new connections to one
    /// backend to some 470 a second: 28,000 ports in 60 seconds.
    pub reuse_ports_early: bool,
}

impl Default for UserspaceOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism();
        Self {
            dial_timeouts: [250, 500, 1000, 2000].map(Duration::from_millis).to_vec(),
            udp_idle: Duration::from_secs(30),
            udp_sessions: 8192,
            loopback_node_ports: true,
            threads: threads.map_or(1, usize::from),
            reuse_ports_early: true,
        }
    }
}

impl UserspaceOptions {
    /// Whether a mode at work can take others instead: the threads stay as they are.
    pub(crate) fn can_become(&self, other: &Self) -> bool {
        let changed = Self {
            udp_idle: other.udp_idle,
            loopback_node_ports: other.loopback_node_ports,
            ..self.clone()
        };
        changed == *other
    }

    pub(crate) fn engine(&self) -> EngineOptions {
        EngineOptions {
            threads: self.threads,
            dial_timeouts: self.dial_timeouts.clone(),
            udp_idle: self.udp_idle,
            udp_sessions: self.udp_sessions,
        }
    }

    pub(crate) fn frame(&self) -> FrameOptions {
        FrameOptions {
            loopback_node_ports: self.loopback_node_ports,
        }
    }
}
