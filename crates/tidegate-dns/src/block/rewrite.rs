//! Names that are changed before they are looked up (CoreDNS's `rewrite name`).

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, Record};
use regex::Regex;
use tidegate_dns_config::{AnswerField, NameMatch, RewriteRule, Then};
use tidegate_dns_wire::{LowerName, Query};

use super::compose::{ask_instead, reply_with, to_lower};
use super::{Asked, Block};

/// The rules of one server block.
#[derive(Debug, Default)]
pub(super) struct Rewriter(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    matching: Matching,
    to: String,
    goes_on: bool,
    /// Whether what was put in place of something is put back in the answer.
    is_undone: bool,
    answers: Vec<AnswerRule>,
}

#[derive(Debug)]
enum Matching {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Substring(String),
    Regex(Regex),
}

#[derive(Debug)]
struct AnswerRule {
    field: AnswerField,
    from: Regex,
    to: String,
}

impl Rewriter {
    /// Reads the rules.
    ///
    /// # Errors
    /// A pattern can't be read.
    pub(super) fn new(rules: &[RewriteRule]) -> Result<Self, regex::Error> {
        rules
            .iter()
            .map(Rule::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a rule changes the name of a question.
    #[inline]
    pub(super) fn concerns(&self, query: &Query<'_>) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let name = query.name.to_string();
        self.0.iter().any(|rule| rule.apply(&name).is_some())
    }

    /// Has a changed question answered; `None` if no rule changes it.
    pub(super) async fn answer(&self, asked: &Asked<'_>, block: &Block) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let query = asked.query;
        let mut name = query.name.to_string();
        let mut applied = Vec::new();
        for rule in &self.0 {
            let Some(changed) = rule.apply(&name) else {
                continue;
            };
            applied.push((rule, std::mem::replace(&mut name, changed)));
            if !rule.goes_on {
                break;
            }
        }
        if applied.is_empty() {
            return None;
        }
        let changed = LowerName::from_text(&name).ok()?;
        let packet = ask_instead(query, &changed);
        let next = Query::read(&packet, query.transport).ok()?;
        let next = Asked {
            query: &next,
            ..*asked
        };
        let reply = block.answer_as_written(&next).await;
        let message = Message::from_vec(&reply).ok()?;
        let undo = |record: &mut Record| {
            for (rule, original) in applied.iter().rev() {
                rule.undo(record, original, &name);
            }
        };
        Some(reply_with(query, &message, &[], undo))
    }
}

impl Rule {
    fn new(rule: &RewriteRule) -> Result<Self, regex::Error> {
        let from = rule.from.clone();
        let answers = rule.answers.iter().map(|answer| {
            Ok(AnswerRule {
                field: answer.field,
                from: Regex::new(&answer.from)?,
                to: groups(&answer.to),
            })
        });
        Ok(Self {
            matching: match rule.matching {
                NameMatch::Exact => Matching::Exact(from),
                NameMatch::Prefix => Matching::Prefix(without_dot(&from)),
                NameMatch::Suffix => Matching::Suffix(from),
                NameMatch::Substring => Matching::Substring(without_dot(&from)),
                NameMatch::Regex => Matching::Regex(Regex::new(&from)?),
            },
            to: match rule.matching {
                NameMatch::Regex => groups(&rule.to),
                NameMatch::Prefix | NameMatch::Substring => without_dot(&rule.to),
                NameMatch::Exact | NameMatch::Suffix => rule.to.clone(),
            },
            goes_on: rule.then == Then::Continue,
            is_undone: rule.answer_auto,
            answers: answers.collect::<Result<_, regex::Error>>()?,
        })
    }

    /// The changed name, if the rule is for this one.
    fn apply(&self, name: &str) -> Option<String> {
        match &self.matching {
            Matching::Exact(from) => (name == from).then(|| self.to.clone()),
            Matching::Prefix(from) => {
                let rest = name.strip_prefix(from.as_str())?;
                Some(format!("{}{rest}", self.to))
            }
            Matching::Suffix(from) => {
                let rest = name.strip_suffix(from.as_str())?;
                Some(format!("{rest}{}", self.to))
            }
            Matching::Substring(from) => name
                .contains(from.as_str())
                .then(|| name.replace(from.as_str(), &self.to)),
            Matching::Regex(from) => expanded(from, name, &self.to),
        }
    }

    /// Changes a record of the answer, as far as the rule says so.
    fn undo(&self, record: &mut Record, original: &str, changed: &str) {
        if self.is_undone {
            let owner = name_text(&record.name);
            let back = match &self.matching {
                Matching::Suffix(from) => owner
                    .strip_suffix(self.to.as_str())
                    .map(|rest| format!("{rest}{from}")),
                Matching::Prefix(from) => owner
                    .strip_prefix(self.to.as_str())
                    .map(|rest| format!("{from}{rest}")),
                _ => (owner == changed).then(|| original.to_owned()),
            };
            set_name(&mut record.name, back);
        }
        for answer in &self.answers {
            match answer.field {
                AnswerField::Name => answer.apply(&mut record.name),
                AnswerField::Value => answer.apply_to_value(&mut record.data),
            }
        }
    }
}

impl AnswerRule {
    fn apply(&self, name: &mut Name) {
        let changed = expanded(&self.from, &name_text(name), &self.to);
        set_name(name, changed);
    }

    fn apply_to_value(&self, data: &mut RData) {
        match data {
            RData::CNAME(target) => self.apply(&mut target.0),
            RData::PTR(target) => self.apply(&mut target.0),
            RData::NS(target) => self.apply(&mut target.0),
            RData::SRV(srv) => self.apply(&mut srv.target),
            RData::MX(mx) => self.apply(&mut mx.exchange),
            _ => {}
        }
    }
}

/// What takes the place of a name that a pattern fits: as in CoreDNS of the whole name, however
/// little of it the pattern is about.
fn expanded(pattern: &Regex, name: &str, to: &str) -> Option<String> {
    let captures = pattern.captures(name)?;
    let mut expanded = String::new();
    captures.expand(to, &mut expanded);
    Some(expanded)
}

/// A name that can't be one leaves the record as it is.
fn set_name(name: &mut Name, text: Option<String>) {
    if let Some(changed) = text.and_then(|text| Name::from_ascii(text).ok()) {
        *name = changed;
    }
}

fn name_text(name: &Name) -> String {
    to_lower(name).map_or_else(String::new, |name| name.to_string())
}

/// CoreDNS writes groups as `{1}`, the library as `${1}`.
fn groups(to: &str) -> String {
    to.replace('$', "$$").replace('{', "${")
}

/// The dot that makes a name absolute has no place within one.
fn without_dot(text: &str) -> String {
    text.strip_suffix('.').unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(matching: NameMatch, from: &str, to: &str, name: &str) -> Option<String> {
        let rule = RewriteRule {
            matching,
            from: from.to_owned(),
            to: to.to_owned(),
            ..RewriteRule::default()
        };
        Rule::new(&rule).expect("a rule").apply(name)
    }

    #[test]
    fn names_change_as_the_rule_says() {
        use NameMatch::{Exact, Prefix, Regex, Substring, Suffix};
        for (matching, from, to, name, expected) in [
            (Exact, "a.org.", "b.org.", "a.org.", Some("b.org.")),
            (Exact, "a.org.", "b.org.", "x.a.org.", None),
            (
                Prefix,
                "old-.",
                "new-.",
                "old-web.org.",
                Some("new-web.org."),
            ),
            (
                Suffix,
                ".a.org.",
                ".b.org.",
                "web.a.org.",
                Some("web.b.org."),
            ),
            (Suffix, ".a.org.", ".b.org.", "web.a.com.", None),
            (Substring, "mid.", "new.", "x.mid.org.", Some("x.new.org.")),
            (Regex, "web", "b.org.", "www.web.org.", Some("b.org.")),
            (
                Regex,
                r"(.*)\.coredns\.org\.$",
                "{1}.default.svc.cluster.local.",
                "web.coredns.org.",
                Some("web.default.svc.cluster.local."),
            ),
        ] {
            let changed = applied(matching, from, to, name);
            assert_eq!(changed.as_deref(), expected, "{matching:?} {from} {name}");
        }
    }
}
