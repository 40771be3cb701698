//! Label selectors: `a=b`, `a!=b`, `a in (x, y)`, `a notin (x)`, `a`, `!a`, joined by commas.
//!
//! As upstream, `a!=b` and `a notin (b)` are also true of objects without the label `a`.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use crate::error::ApiError;

/// All of its requirements must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

/// A label selector that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("unable to parse requirement: {problem} in label selector {selector:?}")]
pub(crate) struct LabelSelectorError {
    selector: String,
    problem: String,
}

/// The part of an object that a label selector looks at, borrowed from its bytes.
#[derive(Deserialize)]
struct Labelled<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, LabelSelectorError> {
        let requirements = split_outside_parentheses(text)
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(requirement)
            .collect::<Result<_, _>>();
        requirements
            .map(Self)
            .map_err(|problem| LabelSelectorError {
                selector: text.to_owned(),
                problem,
            })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the object in these bytes is selected.
    pub(crate) fn matches_bytes(&self, bytes: &[u8]) -> Result<bool, ApiError> {
        let object: Labelled<'_> = serde_json::from_slice(bytes).map_err(|error| {
            ApiError::Internal(format!("a stored object can't be read: {error}"))
        })?;
        let labels = &object.metadata.labels;
        Ok(self.0.iter().all(|requirement| {
            let value = labels.get(requirement.key.as_str()).map(AsRef::as_ref);
            requirement.test.holds(value)
        }))
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let among =
            |values: &[String]| value.is_some_and(|value| values.iter().any(|v| v == value));
        match self {
            Self::In(values) => among(values),
            Self::NotIn(values) => !among(values),
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
        }
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(move |c| {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        c == ',' && !inside
    })
    .collect()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let with = |key: &str, test| match key.trim() {
        key if is_label_key(key) => Ok(Requirement {
            key: key.to_owned(),
            test,
        }),
        key => Err(format!("{key:?} is not a label key")),
    };
    if let Some(key) = text.strip_prefix('!') {
        return with(key, Test::Absent);
    }
    for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((key, value)) = text.split_once(operator) {
            let values = vec![label_value(value)?];
            return with(
                key,
                if negated {
                    Test::NotIn(values)
                } else {
                    Test::In(values)
                },
            );
        }
    }
    let Some((key, rest)) = text.split_once(char::is_whitespace) else {
        return with(text, Test::Exists);
    };
    let rest = rest.trim();
    let (values, negated) = match (rest.strip_prefix("in"), rest.strip_prefix("notin")) {
        (_, Some(values)) => (values, true),
        (Some(values), None) => (values, false),
        (None, None) => return Err(format!("{rest:?} is no operator (=, ==, !=, in, notin)")),
    };
    let values = values
        .trim()
        .strip_prefix('(')
        .and_then(|values| values.strip_suffix(')'))
        .ok_or_else(|| "the values of in and notin stand in parentheses".to_owned())?
        .split(',')
        .map(label_value)
        .collect::<Result<Vec<_>, _>>()?;
    with(
        key,
        if negated {
            Test::NotIn(values)
        } else {
            Test::In(values)
        },
    )
}

fn is_label_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 317
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
}

fn label_value(text: &str) -> Result<String, String> {
    let value = text.trim();
    let fits = value.len() <= 63
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fits {
        Ok(value.to_owned())
    } else {
        Err(format!("{value:?} is not a label value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(selector: &str, labels: &str) -> bool {
        let object =
            format!(r#"{{"metadata":{{"labels":{labels},"name":"x"}},"spec":{{"a":[1]}}}}"#);
        LabelSelector::parse(selector)
            .expect(selector)
            .matches_bytes(object.as_bytes())
            .expect("matched")
    }

    #[test]
    fn every_operator_selects() {
        let labels = r#"{"app":"web","tier":"front"}"#;
        for (selector, wanted) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app=web,tier=back", false),
            ("app!=web", false),
            ("zone!=a", true),
            ("app in (api, web)", true),
            ("app notin (api,web), tier", false),
            ("zone notin (a)", true),
            ("tier", true),
            ("zone", false),
            ("!zone", true),
            ("! app", false),
            ("app in (web),tier in (front,back)", true),
        ] {
            assert_eq!(selected(selector, labels), wanted, "{selector}");
        }
    }

    #[test]
    fn an_object_without_labels_is_matched() {
        let selector = LabelSelector::parse("!app").expect("parsed");
        assert!(
            selector
                .matches_bytes(br#"{"metadata":{"name":"x"}}"#)
                .expect("matched")
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for selector in ["a b", "=x", "a in b", "a in (b", "a=b=c", "a=(x)", "!"] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
    }
}
