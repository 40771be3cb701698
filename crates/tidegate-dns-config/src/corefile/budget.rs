//! How much may be read, whoever wrote it.

use super::words::{At, Word};
use crate::problem::{Problem, ProblemKind};

/// The largest file that is read, in bytes: as much as a ConfigMap holds.
pub const LARGEST_FILE: usize = 1024 * 1024;

/// The most words that a Corefile may have with all that it imports.
const MOST_WORDS: usize = 100_000;

/// The most bytes that these words may have.
const MOST_BYTES: usize = 4 * LARGEST_FILE;

/// The most snippets and files that may be imported; CoreDNS's limit.
const MOST_IMPORTS: usize = 1000;

/// What is left of what may be read.
#[derive(Debug)]
pub(super) struct Budget {
    words: usize,
    bytes: usize,
    imports: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            words: MOST_WORDS,
            bytes: MOST_BYTES,
            imports: MOST_IMPORTS,
        }
    }

    /// Counts a word.
    pub(super) fn spend(&mut self, word: &Word) -> Result<(), Problem> {
        let words = self.words.checked_sub(1);
        let bytes = self.bytes.checked_sub(word.text.len());
        let (Some(words), Some(bytes)) = (words, bytes) else {
            return Err(word.at.problem(
                ProblemKind::TooLarge,
                format!(
                    "with its imports the file has more than {MOST_WORDS} words or {MOST_BYTES} \
                     bytes; make it smaller"
                ),
            ));
        };
        (self.words, self.bytes) = (words, bytes);
        Ok(())
    }

    /// Counts an import.
    pub(super) fn spend_import(&mut self, at: &At) -> Result<(), Problem> {
        self.imports = self.imports.checked_sub(1).ok_or_else(|| {
            at.problem(
                ProblemKind::TooLarge,
                format!("more than {MOST_IMPORTS} imports; remove some"),
            )
        })?;
        Ok(())
    }
}
