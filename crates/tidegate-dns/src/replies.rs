//! What answers one query.

use std::vec;

use tokio::sync::OwnedSemaphorePermit;

/// The messages that answer a query, one after another; several only for a zone transfer, which has
/// its place among all transfers until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    messages: vec::IntoIter<Vec<u8>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Replies {
    /// The messages of a transfer, if they take a place.
    pub(crate) fn transferred(messages: Vec<Vec<u8>>, place: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            messages: messages.into_iter(),
            _place: place,
        }
    }
}

impl From<Vec<u8>> for Replies {
    fn from(message: Vec<u8>) -> Self {
        Self::transferred(vec![message], None)
    }
}

impl Iterator for Replies {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.messages.next()
    }
}
