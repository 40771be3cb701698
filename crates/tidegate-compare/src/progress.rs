//! What is going on, told on standard error: the whole takes minutes.

use std::io::Write;

/// Tells a line.
pub(crate) fn tell(line: &str) {
    let _told = writeln!(std::io::stderr().lock(), "{line}");
}
