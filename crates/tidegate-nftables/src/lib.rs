//! The nftables mode: a constant ruleset whose sets and maps are the plan.
//!
//! The rules of the tables `ip tidegate` and `ip6 tidegate` are the same for one Service and for
//! ten thousand; Services are elements of a fixed list of sets ([`render`] prints all of it). Only a
//! port whose clients stay with their backend has two small chains of its own. A connection costs the
//! same number of look-ups whatever exists, and a change touches the elements of the Services that
//! changed. No packet is marked: marks belong to others.
//!
//! This crate turns plans into elements (pure) and elements into netlink transactions. It never
//! talks to the API, and decides nothing that the plan has decided.

mod affinity;
mod content;
mod frame;
mod memory;
mod mode;
mod numbered;
mod program;
mod rules;
mod sets;
mod slots;

pub use mode::NftablesMode;
pub use program::render;

use tidegate_nft_table::Words;

/// How the mode names itself and the parts of the kernel that it needs.
const WORDS: Words = Words {
    mode: "nftables",
    parts: "nat, masq, numgen, fib, ct or reject",
    modules: "nft_nat, nft_masq, nft_numgen, nft_fib, nft_ct and nft_reject",
};

/// The name of our table in each family. Whatever is in it is ours.
const TABLE: &str = "tidegate";

/// What our tables carry as their comment. The number changes with the shape of sets and chains, so
/// that a newer tidegate knows a table that it has to build anew.
const TABLE_COMMENT: &str = "Kubernetes Services by tidegate, shape 2";
