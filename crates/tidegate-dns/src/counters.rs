//! What the server has done since it started.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Everything that the server counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Packets that came in over UDP, of whatever kind.
    pub udp_packets: Counter,
    /// Messages that came in over TCP, of whatever kind.
    pub tcp_messages: Counter,
    /// TCP connections that were accepted.
    pub tcp_connections: Counter,
    /// Packets without a reply: answers to questions that nobody asked, or too short.
    pub ignored: Counter,
    /// Packets that got FORMERR.
    pub malformed: Counter,
    /// Well-formed queries for what this server doesn't do: NOTIMP, REFUSED or BADVERS.
    pub unsupported: Counter,
    /// Questions that the zone answered, with whatever code.
    pub zone_answers: Counter,
    /// Questions that were passed on to other servers, ExternalName targets included.
    pub forwarded: Counter,
    /// Questions of those that no other server answered.
    pub forward_failures: Counter,
    /// Questions that were refused because too many others were waiting for other servers.
    pub forward_refusals: Counter,
    /// Replies that couldn't be sent.
    pub send_failures: Counter,
}
