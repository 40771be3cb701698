//! What is stored: entries, and the revisions that order their changes.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// A point in the history of the whole store: every transaction that changes something takes the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of the transaction after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A value with its key and its place in history. Cheap to clone: key and value are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole key, prefix included.
    pub key: Arc<str>,
    /// The value as it was written.
    pub value: Bytes,
    /// When the key came into being; a key that was deleted and written again has a new one.
    pub created: Revision,
    /// When the value was last written. In the event of a deletion: the revision of the deletion.
    pub modified: Revision,
}

impl Entry {
    /// How many bytes of key and value this entry holds on to.
    pub(crate) fn size(&self) -> usize {
        self.key.len() + self.value.len()
    }
}
