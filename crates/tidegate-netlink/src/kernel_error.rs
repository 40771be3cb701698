//! The kernel's own words about what it refuses.

use std::fmt;

use nix::errno::Errno;

/// The kernel's reason for refusing a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelError {
    /// The error number.
    pub errno: Errno,
    /// The same as a number; subsystems have numbers of their own, of which `errno` knows nothing.
    pub code: i32,
    /// What the kernel says about it in words (extended acknowledgement), if it does.
    pub words: Option<String>,
}

impl KernelError {
    /// An error whose number is negative on the wire.
    pub(crate) fn new(code: i32, words: Option<String>) -> Self {
        let code = code.saturating_neg();
        let errno = Errno::from_raw(code);
        Self { errno, code, words }
    }
}

impl fmt::Display for KernelError {
    /// Prints the usual description of the error number, as `nft` does, and the kernel's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.errno.desc())?;
        match &self.words {
            Some(words) => write!(f, " ({words})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for KernelError {}
