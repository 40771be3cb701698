//! Pods that answer and clients that ask, as cheap as they can be, so that what lies between them
//! is what is measured.

pub(crate) mod latency;
pub(crate) mod load;
pub(crate) mod server;

/// The length of a request. Its first four bytes are the length of the answer that it wants, as a
/// number in network byte order.
pub(crate) const REQUEST: usize = 64;

/// The length of a small answer.
pub(crate) const SMALL_ANSWER: u32 = 128;

/// The length of a big answer, for which the bytes count and not the requests.
pub(crate) const BIG_ANSWER: u32 = 1 << 20;

/// What is read and written at once.
const BLOCK: usize = 128 << 10;

/// A request for an answer of a length.
fn request(answer: u32) -> [u8; REQUEST] {
    let mut request = [b'.'; REQUEST];
    request[..4].copy_from_slice(&answer.to_be_bytes());
    request
}
