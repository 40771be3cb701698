//! What is wrong with a configuration, and where.

use std::fmt;

/// More problems than this are counted instead of printed, and not looked for further.
pub(crate) const MOST_PROBLEMS: usize = 100;

/// Where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a Corefile, or of a file that it imports.
    Line {
        /// The file, by the name that it was handed in with.
        file: String,
        /// The line, counted from one.
        line: u32,
    },
    /// A field of our own YAML, as in `servers[0].kubernetes.ttl`.
    Field(String),
    /// A file as a whole.
    File(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Field(path) => f.write_str(path),
            Self::File(name) => f.write_str(name),
        }
    }
}

/// A longer text is cut: it quotes what somebody has written.
const LONGEST_TEXT: usize = 1000;

/// In what way something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The text can't be taken apart: a brace or a quote is missing, or it is no YAML.
    Syntax,
    /// It is larger, deeper or longer than what is read.
    TooLarge,
    /// A file or a snippet that is to be imported can't be.
    Import,
    /// Neither CoreDNS nor we have it.
    Unknown,
    /// CoreDNS has it and we do not.
    Unsupported,
    /// It is known, but its value can't be.
    Invalid,
    /// Two parts of the configuration exclude each other.
    Conflict,
}

/// One thing that is wrong: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {text}")]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// In what way it is wrong.
    pub kind: ProblemKind,
    /// What is wrong and what to do, beginning with the plugin and its property if it is in one.
    pub text: String,
}

impl Problem {
    /// A problem, whose texts are cut if they are very long.
    pub(crate) fn new(mut place: Place, kind: ProblemKind, mut text: String) -> Self {
        cut(&mut text);
        if let Place::Field(path) = &mut place {
            cut(path);
        }
        Self { place, kind, text }
    }
}

fn cut(text: &mut String) {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        text.push('…');
    }
}

/// All that is wrong with a configuration, in the order of the file; never empty.
///
/// Printed with one problem a line, but not all of very many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, if there are any.
    pub(crate) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self(problems))
        }
    }

    /// The problems.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(MOST_PROBLEMS).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.0.len().saturating_sub(MOST_PROBLEMS) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Problems {}

/// What is worth a line in the log although it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub text: String,
}

/// Notes a warning, if there aren't very many already.
pub(crate) fn warn(warnings: &mut Vec<Warning>, place: Place, text: String) {
    if warnings.len() < MOST_PROBLEMS {
        warnings.push(Warning { place, text });
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
