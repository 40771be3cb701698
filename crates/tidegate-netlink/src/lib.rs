//! Typed netlink for what programs Services into the kernel.
//!
//! [`nftables`] writes tables, chains, rules and elements in Rust that reads like `nft`, sends them
//! as one transaction, reads the kernel's state back and prints it in `nft`'s own notation.
//! [`conntrack`] lists and deletes tracked connections. [`ipvs`] speaks of virtual and real servers
//! as `ipvsadm` does, [`ipset`] of sets as `ipset` does, [`links`] of network devices and their
//! addresses as `ip` does. This crate decides nothing: it says to the kernel what it is told to say,
//! and tells exactly what the kernel answered.
//!
//! All calls block. They take microseconds, or milliseconds where thousands of elements are sent.

mod attribute;
pub mod conntrack;
mod exchange;
mod family;
mod generic;
#[cfg(test)]
mod golden;
pub mod ipset;
pub mod ipvs;
mod kernel_error;
pub mod links;
mod message;
pub mod nftables;
mod protocol;
mod socket;

pub use attribute::Malformed;
pub use exchange::Refusal;
pub use family::Family;
pub use generic::GenericError;
pub use kernel_error::KernelError;
pub use protocol::Protocol;
pub use socket::SocketError;
