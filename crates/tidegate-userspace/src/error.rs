//! The words in which this mode tells what went wrong.

use tidegate_nft_table::Words;

pub(crate) use tidegate_nft_table::failed;

/// How the mode names itself and the parts of the kernel that it needs.
pub(crate) const WORDS: Words = Words {
    mode: "userspace",
    parts: "nat, fib, ct or reject",
    modules: "nft_nat, nft_fib, nft_ct and nft_reject",
};
