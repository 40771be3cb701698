//! Tells what the kernel had that it shouldn't have had, and what it lacked.

use tidegate_dataplane::Outcome;

/// Lines about differences, of which only the first are kept.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    /// Whether there was a program at all that could differ.
    was_there: bool,
    lines: Vec<String>,
    more: usize,
}

impl Drift {
    pub(crate) fn new(was_there: bool) -> Self {
        Self {
            was_there,
            lines: Vec::new(),
            more: 0,
        }
    }

    /// Takes note of a difference.
    pub(crate) fn add(&mut self, line: impl FnOnce() -> String) {
        match self.was_there {
            true if self.lines.len() + 1 < Outcome::MOST_LINES => self.lines.push(line()),
            true => self.more += 1,
            false => {}
        }
    }

    /// The lines for an operator to read.
    pub(crate) fn lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines
                .push(format!("and {} more differences", self.more));
        }
        self.lines
    }
}
