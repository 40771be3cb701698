//! What is counted of an address.

use tidegate_pages::Counter;

/// Packets that reach no server block.
#[derive(Debug, Default)]
pub(crate) struct DeskCounters {
    /// Those without a reply: answers to questions that nobody asked, or too short.
    pub(crate) ignored: Counter,
    /// Those that got FORMERR or NOTIMP.
    pub(crate) malformed: Counter,
    /// Well-formed queries for what no block answers: REFUSED or BADVERS.
    pub(crate) refused: Counter,
    /// Replies that couldn't be sent.
    pub(crate) send_failures: Counter,
}
