//! What the reading of all directives shares.

use super::line::{Directive, Line};
use super::words::Word;
use crate::check::{MOST_ZONES, Report};
use crate::pattern;
use crate::problem::{self, MOST_PROBLEMS, Problem, ProblemKind, Warning};
use crate::zone_name::ZoneName;

/// What the reading of all directives shares.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
    /// The zones of the server block that is being read.
    pub(super) block_zones: Vec<ZoneName>,
    zones_left: usize,
    patterns_left: usize,
}

impl Reader {
    pub(super) fn new(warnings: Vec<Warning>) -> Self {
        Self {
            problems: Vec::new(),
            warnings,
            block_zones: Vec::new(),
            zones_left: MOST_ZONES,
            patterns_left: pattern::MOST,
        }
    }

    /// Notes a problem, if there aren't very many already.
    pub(super) fn push(&mut self, problem: Problem) {
        if !self.is_full() {
            self.problems.push(problem);
        }
    }

    /// Whether there are more problems than are told.
    fn is_full(&self) -> bool {
        self.problems.len() > MOST_PROBLEMS
    }

    pub(super) fn warn(&mut self, line: &Line, text: &str) {
        let text = format!("{}: {text}", line.subject);
        problem::warn(&mut self.warnings, line.at.place(), text);
    }

    /// Reads every property; what is wrong with one doesn't keep the others from being read.
    pub(super) fn properties(
        &mut self,
        directive: &Directive,
        mut read: impl FnMut(&Line, &mut Self) -> Result<(), Problem>,
    ) {
        for line in &directive.properties {
            if let Err(problem) = read(line, self) {
                self.push(problem);
            }
        }
    }

    /// Refuses every property, for plugins that have none.
    pub(super) fn no_properties(&mut self, directive: &Directive, of_coredns: &[&str]) {
        self.properties(directive, |line, _| Err(line.unknown(&[], of_coredns)));
    }

    /// Has a part of the configuration check itself.
    pub(super) fn check(&mut self, directive: &Directive, check: impl FnOnce(Report<'_>)) {
        check(&mut |field, text| {
            if !self.is_full() {
                self.push(directive.line_of(field).invalid(text));
            }
        });
    }

    /// The zones that arguments name, ranges as the reverse zones that they are.
    pub(super) fn zones(&mut self, line: &Line, words: &[Word]) -> Result<Vec<ZoneName>, Problem> {
        let mut zones = Vec::new();
        for word in words {
            match word.text.parse() {
                Ok(range) => zones.extend(ZoneName::of_range(range)),
                Err(_) => zones.push(line.parse(&word.text)?),
            }
            if zones.len() > self.zones_left {
                return Err(line.problem(ProblemKind::TooLarge, too_many_zones()));
            }
        }
        self.zones_left -= zones.len();
        Ok(zones)
    }

    /// The same, or the server block's where there are no arguments.
    pub(super) fn zones_or_block(
        &mut self,
        line: &Line,
        words: &[Word],
    ) -> Result<Vec<ZoneName>, Problem> {
        if !words.is_empty() {
            return self.zones(line, words);
        }
        let left = self.zones_left.checked_sub(self.block_zones.len());
        self.zones_left =
            left.ok_or_else(|| line.problem(ProblemKind::TooLarge, too_many_zones()))?;
        Ok(self.block_zones.clone())
    }

    /// The same, or the root where there are no arguments.
    pub(super) fn zones_or_root(
        &mut self,
        line: &Line,
        words: &[Word],
    ) -> Result<Vec<ZoneName>, Problem> {
        if words.is_empty() {
            Ok(vec![ZoneName::root()])
        } else {
            self.zones(line, words)
        }
    }

    /// Counts rules that may have a regular expression each.
    pub(super) fn spend_patterns(&mut self, line: &Line, count: usize) -> Result<(), Problem> {
        let left = self.patterns_left.checked_sub(count);
        self.patterns_left = left.ok_or_else(|| {
            let most = pattern::MOST;
            let text = format!("the file has more than {most} such rules; remove some");
            line.problem(ProblemKind::TooLarge, text)
        })?;
        Ok(())
    }

    /// Counts zones of a server block.
    pub(super) fn spend_zones(&mut self, word: &Word, count: usize) -> Result<(), Problem> {
        let left = self.zones_left.checked_sub(count);
        self.zones_left =
            left.ok_or_else(|| word.at.problem(ProblemKind::TooLarge, too_many_zones()))?;
        Ok(())
    }
}

fn too_many_zones() -> String {
    format!("the file names more than {MOST_ZONES} zones; remove some")
}
