//! The words of a Corefile.

use std::mem;
use std::sync::Arc;

use super::budget::Budget;
use crate::problem::{Place, Problem, ProblemKind};

/// A word and where it is.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: At,
    /// Whether nothing in it has a meaning to the grammar: it was in quotes, or has come from the
    /// environment.
    pub(super) literal: bool,
    /// Whether it begins a line: it is the first word of one, or behind a brace.
    pub(super) first: bool,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) file: Arc<str>,
    pub(super) line: u32,
}

impl At {
    pub(super) fn place(&self) -> Place {
        Place::Line {
            file: self.file.to_string(),
            line: self.line,
        }
    }

    pub(super) fn problem(&self, kind: ProblemKind, text: impl Into<String>) -> Problem {
        Problem::new(self.place(), kind, text.into())
    }
}

impl Word {
    pub(super) fn opens(&self) -> bool {
        !self.literal && self.text == "{"
    }

    pub(super) fn closes(&self) -> bool {
        !self.literal && self.text == "}"
    }
}

/// Takes a file apart.
///
/// Words are separated by white space. One that begins with a quote goes on to the next quote,
/// over lines too; in it, `\"` is a quote. What is behind a `#` outside of quotes is a comment.
///
/// # Errors
/// A quote isn't closed, a brace sticks to a word, or the budget is used up.
pub(super) fn words(
    text: &str,
    file: &Arc<str>,
    budget: &mut Budget,
) -> Result<Vec<Word>, Problem> {
    let mut lexer = Lexer {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text).chars(),
        at: At {
            file: Arc::clone(file),
            line: 1,
        },
        begins_line: true,
    };
    let mut words = Vec::new();
    while let Some(word) = lexer.next_word()? {
        budget.spend(&word)?;
        words.push(word);
    }
    Ok(words)
}

struct Lexer<'a> {
    rest: std::str::Chars<'a>,
    at: At,
    begins_line: bool,
}

impl Lexer<'_> {
    fn next_word(&mut self) -> Result<Option<Word>, Problem> {
        self.skip_to_word();
        let at = self.at.clone();
        let quoted = self.peek() == Some('"');
        let text = if quoted {
            self.quoted(&at)?
        } else {
            self.plain()
        };
        if text.is_empty() && !quoted {
            return Ok(None);
        }
        if !quoted && text.len() > 1 && text.ends_with('{') {
            return Err(at.problem(
                ProblemKind::Syntax,
                format!("the \"{{\" sticks to {text:?}; put a space before it"),
            ));
        }
        let mut word = Word {
            text,
            at,
            literal: quoted,
            first: false,
        };
        let is_brace = word.opens() || word.closes();
        word.first = mem::replace(&mut self.begins_line, is_brace);
        Ok(Some(word))
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip_to_word(&mut self) {
        let mut in_comment = false;
        while let Some(next) = self.peek() {
            match next {
                '\n' => {
                    self.at.line = self.at.line.saturating_add(1);
                    self.begins_line = true;
                    in_comment = false;
                }
                '#' => in_comment = true,
                _ if next.is_whitespace() || in_comment => {}
                _ => return,
            }
            self.rest.next();
        }
    }

    fn plain(&mut self) -> String {
        let rest = self.rest.as_str();
        let end = rest.find(|c: char| c.is_whitespace() || c == '#');
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest.chars();
        word.to_owned()
    }

    fn quoted(&mut self, at: &At) -> Result<String, Problem> {
        self.rest.next();
        let mut text = String::new();
        while let Some(next) = self.rest.next() {
            match next {
                '"' => return Ok(text),
                '\\' if self.peek() == Some('"') => {
                    self.rest.next();
                    text.push('"');
                }
                _ => {
                    if next == '\n' {
                        self.at.line = self.at.line.saturating_add(1);
                    }
                    text.push(next);
                }
            }
        }
        Err(at.problem(
            ProblemKind::Syntax,
            "a quote is opened here and never closed; add a \"",
        ))
    }
}
