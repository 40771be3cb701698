//! A directive or a property with its arguments, and how these are read.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use super::words::{At, Word};
use crate::duration;
use crate::problem::{Problem, ProblemKind};

/// A plugin's name with its arguments and properties.
#[derive(Debug)]
pub(super) struct Directive {
    pub(super) line: Line,
    pub(super) properties: Vec<Line>,
}

/// A name and what stands behind it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) arguments: Vec<Word>,
    pub(super) at: At,
    /// What problems begin with: the plugin, and the property if it is one.
    pub(super) subject: String,
}

impl Line {
    pub(super) fn new(name: Word, arguments: Vec<Word>, inside: Option<String>) -> Self {
        // Whatever was written in place of a name is echoed, but not at any length.
        let shown: String = name.text.chars().take(60).collect();
        let subject = match inside {
            Some(plugin) => format!("{plugin}: {shown}"),
            None => shown,
        };
        Self {
            name: name.text,
            arguments,
            at: name.at,
            subject,
        }
    }

    pub(super) fn problem(&self, kind: ProblemKind, text: impl Display) -> Problem {
        self.at.problem(kind, format!("{}: {text}", self.subject))
    }

    pub(super) fn invalid(&self, text: impl Display) -> Problem {
        self.problem(ProblemKind::Invalid, text)
    }

    /// It is CoreDNS's and not ours.
    pub(super) fn unsupported(&self, text: impl Display) -> Problem {
        self.problem(ProblemKind::Unsupported, text)
    }

    /// A property that nobody has, or CoreDNS only.
    pub(super) fn unknown(&self, known: &[&str], of_coredns: &[&str]) -> Problem {
        if of_coredns.contains(&self.name.as_str()) {
            return self.unsupported("CoreDNS has this property, we do not; remove it");
        }
        let known = match known {
            [] => "there are none".to_owned(),
            [only] => format!("there is only {only}"),
            known => format!("there are {}", known.join(", ")),
        };
        self.problem(
            ProblemKind::Unknown,
            format!("there is no such property; {known}"),
        )
    }

    pub(super) fn no_arguments(&self) -> Result<(), Problem> {
        self.at_most(0).map(|_| ())
    }

    pub(super) fn at_most(&self, most: usize) -> Result<&[Word], Problem> {
        match self.arguments.get(most) {
            None => Ok(&self.arguments),
            Some(extra) => Err(self.invalid(format!("{:?} is too much; remove it", extra.text))),
        }
    }

    /// Exactly one argument.
    pub(super) fn one(&self, what: &str) -> Result<&str, Problem> {
        self.at_most(1)?;
        Ok(&self.some(what)?[0].text)
    }

    /// One argument or more.
    pub(super) fn some(&self, what: &str) -> Result<&[Word], Problem> {
        if self.arguments.is_empty() {
            let text = format!("an argument is missing; write {} {what}", self.name);
            return Err(self.invalid(text));
        }
        Ok(&self.arguments)
    }

    pub(super) fn duration(&self, text: &str) -> Result<Duration, Problem> {
        duration::parse(text).map_err(|problem| self.invalid(problem))
    }

    pub(super) fn number(&self, text: &str) -> Result<u32, Problem> {
        let invalid = || {
            let most = u32::MAX;
            self.invalid(format!("{text:?} is no number from 0 to {most}; give one"))
        };
        text.parse().map_err(|_| invalid())
    }

    /// A value that says itself what is wrong with it.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self, text: &str) -> Result<T, Problem> {
        text.parse().map_err(|problem| self.invalid(problem))
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, text: &str, choices: &[(&str, T)]) -> Result<T, Problem> {
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.invalid(format!("{text:?} can't be; give {}", names.join(" or ")))
        })
    }

    /// The arguments as texts.
    pub(super) fn texts(words: &[Word]) -> Vec<String> {
        words.iter().map(|word| word.text.clone()).collect()
    }
}

impl Directive {
    /// The line of a field of the configuration, as its check names it: the property of that name,
    /// written with underscores; or the directive's own. Of a list, each entry is a property.
    pub(super) fn line_of(&self, field: &str) -> &Line {
        let field = field.split('.').next().unwrap_or_default();
        let (field, index) = match field.strip_suffix(']').and_then(|f| f.split_once('[')) {
            Some((field, index)) => (field, index.parse::<usize>().ok()),
            None => (field, None),
        };
        let mut name = String::new();
        for letter in field.chars() {
            if letter.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        let name = match name.as_str() {
            "tls_server_name" => "tls_servername",
            "keys" => "secret",
            name => name,
        };
        let mut properties = self.properties.iter().filter(|line| line.name == name);
        let property = match index {
            Some(index) => properties.nth(index),
            // Of a property that is there twice the last one counts.
            None => properties.next_back(),
        };
        property.unwrap_or(&self.line)
    }
}
