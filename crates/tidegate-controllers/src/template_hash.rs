//! Short names for what workloads are made from.

use sha2::{Digest, Sha256};

/// Letters and digits that can't form a rude word (the set that upstream uses).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// How many characters a hash has.
pub(crate) const HASH_LENGTH: usize = 10;

/// A name for `content`. An owner whose hash is taken by something else counts its collisions and
/// gets another one.
pub(crate) fn hash(content: &[u8], collisions: i32) -> String {
    let digest = Sha256::new_with_prefix(content)
        .chain_update(collisions.to_be_bytes())
        .finalize();
    let letters = digest.iter().take(HASH_LENGTH);
    letters
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}
