//! Label selectors in the notation of `kubectl -l`.

use std::fmt;
use std::str::FromStr;

use crate::text_form::text_form;

/// Which labels an object must have, as in `app=web,tier in (front, back),!canary`.
///
/// All requirements must be met. Printed in one notation whatever it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSelector(Vec<LabelRequirement>);

/// What one label must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRequirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: LabelOperator,
    /// What it is compared with; empty for [`LabelOperator::Exists`] and its opposite.
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelOperator {
    /// It has one of the values: `=`, `==` or `in`.
    In,
    /// It has none of the values, or there is no such label: `!=` or `notin`.
    NotIn,
    /// There is such a label.
    Exists,
    /// There is no such label: `!`.
    DoesNotExist,
}

/// Why a text is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} is no requirement of a label; write \"a=b\", \"a in (b, c)\", \"a\" or \"!a\"")]
pub struct InvalidSelector {
    part: String,
}

impl LabelSelector {
    /// The requirements, in the order of the text.
    pub fn requirements(&self) -> &[LabelRequirement] {
        &self.0
    }

    /// Whether labels meet all requirements; `label` gives the value of a label.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| {
            let value = label(&requirement.key);
            let is_listed = || requirement.values.iter().any(|v| Some(v.as_str()) == value);
            match requirement.operator {
                LabelOperator::In => is_listed(),
                LabelOperator::NotIn => !is_listed(),
                LabelOperator::Exists => value.is_some(),
                LabelOperator::DoesNotExist => value.is_none(),
            }
        })
    }
}

impl FromStr for LabelSelector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let mut requirements = Vec::new();
        let mut rest = text;
        loop {
            // A comma between parentheses separates values.
            let comma = (rest.find(','))
                .filter(|comma| rest.find('(').is_none_or(|open| *comma < open))
                .or_else(|| Some(rest.find(')')? + rest[rest.find(')')?..].find(',')?));
            let part = &rest[..comma.unwrap_or(rest.len())];
            let invalid = || InvalidSelector {
                part: part.trim().to_owned(),
            };
            requirements.push(requirement(part.trim()).ok_or_else(invalid)?);
            match comma {
                Some(comma) => rest = &rest[comma + 1..],
                None => return Ok(Self(requirements)),
            }
        }
    }
}

fn requirement(part: &str) -> Option<LabelRequirement> {
    let (key, operator, values) = if let Some(key) = part.strip_prefix('!') {
        (key.trim(), LabelOperator::DoesNotExist, Vec::new())
    } else if let Some((left, list)) = part.split_once('(') {
        let (key, word) = left.trim_end().rsplit_once(char::is_whitespace)?;
        let operator = match word {
            "in" => LabelOperator::In,
            "notin" => LabelOperator::NotIn,
            _ => return None,
        };
        let list = list.strip_suffix(')')?;
        let values = list.split(',').map(str::trim).collect();
        (key.trim(), operator, values)
    } else if let Some((key, value)) = part.split_once("!=") {
        (key.trim(), LabelOperator::NotIn, vec![value.trim()])
    } else if let Some((key, value)) = part.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        (key.trim(), LabelOperator::In, vec![value.trim()])
    } else {
        (part, LabelOperator::Exists, Vec::new())
    };
    (is_key(key) && values.iter().all(|value| is_value(value))).then(|| LabelRequirement {
        key: key.to_owned(),
        operator,
        values: values.into_iter().map(str::to_owned).collect(),
    })
}

fn is_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').unwrap_or(("a", key));
    let of_domain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    !name.is_empty()
        && is_value(name)
        && !prefix.is_empty()
        && prefix.len() <= 253
        && prefix.bytes().all(of_domain)
}

/// A value may be empty; otherwise letters and digits at both ends, with `-`, `_` and `.` between.
fn is_value(value: &str) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric();
    let bytes = value.as_bytes();
    value.len() <= 63
        && bytes.iter().all(|b| plain(b) || b"-_.".contains(b))
        && bytes.first().is_none_or(plain)
        && bytes.last().is_none_or(plain)
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let LabelRequirement { key, values, .. } = requirement;
            let list = values.join(", ");
            match (requirement.operator, values.len()) {
                (LabelOperator::In, 1) => write!(f, "{comma}{key}={list}"),
                (LabelOperator::In, _) => write!(f, "{comma}{key} in ({list})"),
                (LabelOperator::NotIn, 1) => write!(f, "{comma}{key}!={list}"),
                (LabelOperator::NotIn, _) => write!(f, "{comma}{key} notin ({list})"),
                (LabelOperator::Exists, _) => write!(f, "{comma}{key}"),
                (LabelOperator::DoesNotExist, _) => write!(f, "{comma}!{key}"),
            }?;
        }
        Ok(())
    }
}

text_form!(LabelSelector);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_have_one_text_each() {
        for (text, printed) in [
            ("a=b", "a=b"),
            ("a == b", "a=b"),
            ("example.org/a!=b, c", "example.org/a!=b,c"),
            ("a in (b, c),!d", "a in (b, c),!d"),
            ("a notin (b,c) , a in (d)", "a notin (b, c),a=d"),
            ("a=", "a="),
        ] {
            let selector: LabelSelector = text.parse().expect(text);
            assert_eq!(selector.to_string(), printed);
            assert_eq!(printed.parse(), Ok(selector));
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for wrong in [
            "",
            ",",
            "a,",
            "=b",
            "a b",
            "a in b",
            "a in (b",
            "a in b)",
            "a like (b)",
            "a=(b)",
            "!",
            "a=b=c",
            "-a=b",
            "A/b=c",
            "a/=b",
            "a=b c",
            "a>1",
            ")",
            ")(,",
            "a in (b),)",
        ] {
            assert!(wrong.parse::<LabelSelector>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_requirements_must_be_met() {
        let matches = |text: &str| {
            let selector: LabelSelector = text.parse().expect(text);
            selector.matches(|key| (key == "app").then_some("web"))
        };
        for right in [
            "app",
            "app=web",
            "app in (web, db)",
            "app!=db",
            "!x",
            "x!=y",
            "app,!x",
        ] {
            assert!(matches(right), "{right}");
        }
        for wrong in ["x", "app=db", "app notin (web)", "!app", "app=web,x", "x=y"] {
            assert!(!matches(wrong), "{wrong}");
        }
    }
}
