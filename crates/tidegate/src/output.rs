//! What the commands print: results to standard output, complaints to standard error.

use std::fmt::Display;
use std::io::Write;

/// Prints a line to standard output. A reader that went away (`tidegate get … | head`) is no error.
#[macro_export]
macro_rules! say {
    ($($arg:tt)*) => {
        $crate::output::line(&format_args!($($arg)*))
    };
}

/// See [`say!`].
pub(crate) fn line(text: &dyn Display) {
    // Nothing is left to be told to a reader that went away.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints why the command failed.
pub(crate) fn complain(failure: &dyn Display) {
    // There is no third place to complain to.
    let _ = writeln!(std::io::stderr().lock(), "tidegate: {failure}");
}
