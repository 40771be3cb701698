//! DNS packets without a heap: questions are read where they lie, replies written where they are
//! sent.
//!
//! Every query for a cluster's name passes here, and what a query costs is what it costs to read
//! and write packets. So a [`Query`] borrows its packet, a [`LowerName`] lives on the stack, and a
//! [`Reply`] fills a buffer that is used again for the next one. What other servers send is not
//! read here. Nothing here knows which names exist.

mod compressed;
mod kind;
mod name;
mod query;
mod record;
mod reply;
#[cfg(test)]
mod tests;

pub use kind::{Code, Kind};
pub use name::{InvalidName, LowerName};
pub use query::{ClientEdns, Query, Transport, Unanswerable};
pub use record::{Data, StartOfAuthority, Target};
pub use reply::{Mark, Owner, Reply, Section};

/// The length of a DNS header (RFC 1035, 4.1.1).
pub const HEADER: usize = 12;

/// The longest datagram that we promise to take or make for ourselves: what crosses every network
/// without being fragmented (the value that DNS software agreed on in 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// The longest datagram that every client can take (RFC 1035, 4.2.1).
pub const PLAIN_UDP_PAYLOAD: u16 = 512;
