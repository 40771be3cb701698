//! Packets: what is taken for a question, and how an answer is written down.
//!
//! Formats are hickory-proto's. The rules here are those of a server: what is ignored, what is
//! refused and how, and what happens when an answer is longer than the client can take.

mod compact;
mod reply;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use reply::{cut_short, refuse, reply};
pub(crate) use request::{Request, Unanswerable};

/// How a query came in, which says how long its answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// The length of a DNS header (RFC 1035, 4.1.1).
pub(crate) const HEADER_LENGTH: usize = 12;

/// The longest datagram that we promise to take or make for ourselves: what crosses every network
/// without being fragmented (the value that DNS software agreed on in 2020).
pub(crate) const UDP_PAYLOAD: u16 = 1232;

/// The longest datagram that every client can take (RFC 1035, 4.2.1).
const PLAIN_UDP_PAYLOAD: u16 = 512;
