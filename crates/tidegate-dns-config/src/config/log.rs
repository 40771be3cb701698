//! What goes to the log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::Report;
use crate::duration;
use crate::pattern;
use crate::zone_name::ZoneName;

/// Errors go to the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Errors {
    /// Errors that are counted and told about once a period.
    pub consolidate: Vec<Consolidate>,
}

/// Errors that are counted and told about once a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Consolidate {
    /// The period.
    #[serde(with = "duration")]
    pub period: Duration,
    /// A regular expression that the error's text must match.
    pub pattern: String,
    /// The level of the line that tells about them.
    pub level: LogLevel,
    /// Whether the first error of a period is told about at once.
    pub show_first: bool,
}

impl Default for Consolidate {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(60),
            pattern: String::new(),
            level: LogLevel::Error,
            show_first: false,
        }
    }
}

/// How grave a line in the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogLevel {
    /// Something went wrong.
    Error,
    /// Something may go wrong.
    Warning,
    /// Something has happened.
    Info,
    /// For those who look for the reason.
    Debug,
}

/// Questions go to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Log {
    /// The names below which questions are told about.
    pub names: Vec<ZoneName>,
    /// What the line looks like.
    pub format: LogFormat,
    /// The classes of answers that are told about.
    pub classes: Vec<LogClass>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            names: vec![ZoneName::root()],
            format: LogFormat::Common,
            classes: vec![LogClass::All],
        }
    }
}

/// What the line about a question looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogFormat {
    /// CoreDNS's `{common}`: client, identifier, question, size, flags, code, time.
    Common,
    /// CoreDNS's `{combined}`: the same with the operation code.
    Combined,
}

/// What kind of answer it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogClass {
    /// Any.
    All,
    /// The records that were asked for.
    Success,
    /// There is no such name, or it has no such records.
    Denial,
    /// Any code that is neither.
    Error,
}

impl Errors {
    pub(crate) fn check(&self, report: Report<'_>) {
        for (index, entry) in self.consolidate.iter().enumerate() {
            let field = format!("consolidate[{index}]");
            if entry.period.is_zero() {
                let text = "the period is zero; give one, as in \"5m\"";
                report(&field, text.to_owned());
            }
            if let Err(problem) = pattern::groups(&entry.pattern) {
                report(&field, problem);
            }
        }
    }
}
