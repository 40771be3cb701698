//! The sets of a table.

use std::fmt::Debug;
use std::hash::Hash;

use tidegate_netlink::nftables::{Family, Set};

/// One of a table's sets and maps, by what it means to the mode.
pub trait TableSet: Copy + Debug + Ord + Hash + 'static {
    /// All sets in the order in which they are listed.
    fn all() -> Vec<Self>;

    /// The set as the kernel has it.
    fn definition(self, family: Family) -> Set;

    /// Whether rules fill the set, so that its content says nothing about the plan.
    fn is_learned(self) -> bool {
        false
    }

    /// Whether several Services can need the same element.
    fn is_shared(self) -> bool {
        false
    }

    /// Whether what the settings say about it takes effect only when all Services are in: packets
    /// that no Service claims are dropped by it.
    fn comes_last(self) -> bool {
        false
    }
}
