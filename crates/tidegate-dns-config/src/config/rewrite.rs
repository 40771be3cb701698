//! Names that are changed before they are looked up.

use serde::{Deserialize, Serialize};

use crate::check::Report;
use crate::pattern;
use crate::zone_name::ZoneName;

/// A rule that changes the name of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct RewriteRule {
    /// What follows if the rule has changed a name.
    pub then: Then,
    /// How `from` is compared with the name, which is in small letters and ends with a dot.
    #[serde(rename = "match")]
    pub matching: NameMatch,
    /// What is looked for: a text in small letters, or a regular expression.
    pub from: String,
    /// What is put in its place; the groups of a regular expression are `{1}`, `{2}`, and so on.
    pub to: String,
    /// Whether the names of the answer are changed back without rules; always so with
    /// [`NameMatch::Exact`].
    pub answer_auto: bool,
    /// How the names of the answer are changed.
    pub answers: Vec<AnswerRewrite>,
}

/// What follows a rule that has changed a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Then {
    /// The name is looked up.
    #[default]
    Stop,
    /// The next rule gets the changed name.
    Continue,
}

/// How a rule's text is compared with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NameMatch {
    /// They are equal.
    #[default]
    Exact,
    /// The name begins with it.
    Prefix,
    /// The name ends with it.
    Suffix,
    /// The name has it in any place; all of them are changed.
    Substring,
    /// The regular expression matches the name; the whole name is changed.
    Regex,
}

/// How names of the answer are changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnswerRewrite {
    /// Which names.
    pub field: AnswerField,
    /// A regular expression that the name must match.
    pub from: String,
    /// What is put in its place; the groups are `{1}`, `{2}`, and so on.
    pub to: String,
}

/// Which names of the answer are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnswerField {
    /// Those that records belong to.
    Name,
    /// Those that records point at.
    Value,
}

impl RewriteRule {
    /// The rule as CoreDNS understands it: texts in small letters and with a dot at the end, except
    /// regular expressions.
    pub(crate) fn normalized(mut self) -> Self {
        if self.matching != NameMatch::Regex {
            self.from = absolute(&self.from);
        }
        self.to = absolute(&self.to);
        self.answer_auto |= self.matching == NameMatch::Exact;
        for answer in &mut self.answers {
            answer.to = absolute(&answer.to);
        }
        self
    }

    pub(crate) fn check(&self, report: Report<'_>) {
        match self.matching {
            NameMatch::Regex => {
                if let Err(problem) = pattern::check_replacement(&self.from, &self.to) {
                    report("from", problem);
                }
            }
            NameMatch::Exact => {
                for (field, text) in [("from", &self.from), ("to", &self.to)] {
                    if let Err(problem) = text.parse::<ZoneName>() {
                        report(field, problem.to_string());
                    }
                }
            }
            NameMatch::Prefix | NameMatch::Suffix | NameMatch::Substring => {
                if self.from.is_empty() {
                    report(
                        "from",
                        "there is nothing to look for; give a text".to_owned(),
                    );
                }
            }
        }
        for (index, answer) in self.answers.iter().enumerate() {
            if let Err(problem) = pattern::check_replacement(&answer.from, &answer.to) {
                report(&format!("answers[{index}]"), problem);
            }
        }
        let has_name = |answer: &AnswerRewrite| answer.field == AnswerField::Name;
        let explicit_auto = self.answer_auto && self.matching != NameMatch::Exact;
        if explicit_auto && self.answers.iter().any(has_name) {
            let text = "\"answer auto\" and \"answer name\" exclude each other; remove one of them";
            report("answers", text.to_owned());
        }
    }
}

fn absolute(text: &str) -> String {
    let mut text = text.to_ascii_lowercase();
    if !text.is_empty() && !text.ends_with('.') {
        text.push('.');
    }
    text
}
