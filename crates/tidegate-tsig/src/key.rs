//! What both sides know.

use std::fmt;

use subtle::ConstantTimeEq;
use tidegate_dns_wire::LowerName;

use crate::algorithm::Algorithm;

/// A key: whoever has the secret may sign in its name.
#[derive(Clone)]
pub struct Key {
    /// What the two sides call it.
    pub name: LowerName,
    /// How it signs; a signature made in another way isn't this key's.
    pub algorithm: Algorithm,
    /// The secret, as long as one likes.
    pub secret: Vec<u8>,
}

impl Key {
    pub(crate) fn code(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.algorithm.code(&self.secret, parts)
    }

    /// Whether this is the code of these octets or its beginning. How long that takes to find out
    /// tells nobody how much of it is right.
    pub(crate) fn is_code(&self, code: &[u8], parts: &[&[u8]]) -> bool {
        let ours = self.code(parts);
        let beginning = ours.get(..code.len()).unwrap_or_default();
        beginning.ct_eq(code).into()
    }
}

impl fmt::Debug for Key {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
