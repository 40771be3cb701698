//! Typed netlink for nf_tables and conntrack.
//!
//! [`nftables`] writes tables, chains, rules and elements in Rust that reads like `nft`, sends them
//! as one transaction, reads the kernel's state back and prints it in `nft`'s own notation.
//! [`conntrack`] lists and deletes tracked connections. This crate decides nothing: it says to the
//! kernel what it is told to say, and tells exactly what the kernel answered.
//!
//! All calls block. They take microseconds, or milliseconds where thousands of elements are sent.

mod attribute;
pub mod conntrack;
mod message;
pub mod nftables;
mod socket;

pub use attribute::Malformed;
pub use message::KernelError;
pub use socket::SocketError;
