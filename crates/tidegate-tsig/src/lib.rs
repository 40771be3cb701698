//! Signatures of DNS messages by keys that both sides know (TSIG, RFC 8945).
//!
//! A question's signature is checked ([`check`]); whoever has signed well gets a [`Signer`] for the
//! replies, and whoever hasn't a [`Refusal`]. Octets and the time go in, octets come out. Nothing here
//! knows a clock, a socket, or what a message is about.

mod algorithm;
mod check;
mod key;
mod record;
mod refusal;
mod signer;

pub use algorithm::Algorithm;
pub use check::check;
pub use key::Key;
pub use refusal::{Fault, Refusal};
pub use signer::Signer;

/// How far the clocks of the two sides may be apart, in seconds, by what we say of our own messages
/// (RFC 8945, 10).
const FUDGE: u16 = 300;
