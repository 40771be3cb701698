//! Field selectors: `metadata.name=x,status.phase!=Running`, over the few fields a kind allows.

use serde_json::Value;

/// All of its requirements must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FieldSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq)]
struct Requirement {
    field: String,
    value: String,
    equal: bool,
}

/// A field selector that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldSelectorError {
    #[error(
        "invalid field selector {0:?}: each requirement is FIELD=VALUE, FIELD==VALUE or FIELD!=VALUE"
    )]
    Syntax(String),
    #[error("field label not supported: {0}")]
    Unsupported(String),
}

/// Fields that every kind has; they are answered from the key.
const IDENTITY: [&str; 2] = ["metadata.name", "metadata.namespace"];

/// Booleans that are false when they are not there.
const FALSE_WHEN_ABSENT: [&str; 2] = ["spec.unschedulable", "spec.hostNetwork"];

impl FieldSelector {
    pub(crate) fn parse(text: &str, selectable: &[&str]) -> Result<Self, FieldSelectorError> {
        let mut requirements = Vec::new();
        for part in split_unescaped(text, ',')
            .into_iter()
            .filter(|part| !part.is_empty())
        {
            let (field, value, equal) =
                split_operator(&part).ok_or_else(|| FieldSelectorError::Syntax(text.to_owned()))?;
            let field = field.trim();
            if !IDENTITY.contains(&field) && !selectable.contains(&field) {
                return Err(FieldSelectorError::Unsupported(field.to_owned()));
            }
            requirements.push(Requirement {
                field: field.to_owned(),
                value: unescape(value.trim()),
                equal,
            });
        }
        Ok(Self(requirements))
    }

    /// The value that the field must have, if there is one.
    pub(crate) fn required(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|requirement| requirement.equal && requirement.field == field)
            .map(|requirement| requirement.value.as_str())
    }

    /// Whether a requirement looks beyond name and namespace.
    pub(crate) fn reads_content(&self) -> bool {
        self.0
            .iter()
            .any(|requirement| !IDENTITY.contains(&requirement.field.as_str()))
    }

    /// The requirements on name and namespace.
    pub(crate) fn match_identity(&self, namespace: &str, name: &str) -> bool {
        self.0
            .iter()
            .all(|requirement| match requirement.field.as_str() {
                "metadata.name" => requirement.holds(name),
                "metadata.namespace" => requirement.holds(namespace),
                _ => true,
            })
    }

    /// The requirements on everything else.
    pub(crate) fn match_content(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| {
            IDENTITY.contains(&requirement.field.as_str())
                || requirement.holds(&text_of(object, &requirement.field))
        })
    }
}

impl Requirement {
    fn holds(&self, actual: &str) -> bool {
        (self.value == actual) == self.equal
    }
}

fn text_of(object: &Value, field: &str) -> String {
    // An event's `source` is selected by its component.
    let path = if field == "source" {
        "source.component"
    } else {
        field
    };
    let value = path
        .split('.')
        .try_fold(object, |value, name| value.get(name));
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        _ if FALSE_WHEN_ABSENT.contains(&field) => "false".to_owned(),
        _ => String::new(),
    }
}

fn split_unescaped(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn split_operator(part: &str) -> Option<(&str, &str, bool)> {
    let at = part.find('=')?;
    let (left, right) = (&part[..at], &part[at + 1..]);
    if let Some(field) = left.strip_suffix('!') {
        return Some((field, right, false));
    }
    Some((left, right.strip_prefix('=').unwrap_or(right), true))
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        out.push(if c == '\\' {
            characters.next().unwrap_or('\\')
        } else {
            c
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selector(text: &str) -> FieldSelector {
        FieldSelector::parse(text, &["spec.nodeName", "spec.unschedulable", "source"]).expect(text)
    }

    #[test]
    fn fields_select_by_content() {
        let pod = json!({"spec": {"nodeName": "n1"}, "source": {"component": "kubelet"}});
        for (text, wanted) in [
            ("spec.nodeName=n1", true),
            ("spec.nodeName==n1", true),
            ("spec.nodeName!=n1", false),
            ("spec.nodeName=", false),
            ("source=kubelet,spec.nodeName=n1", true),
            ("spec.unschedulable=false", true),
        ] {
            assert_eq!(selector(text).match_content(&pod), wanted, "{text}");
        }
        assert!(selector("spec.nodeName=").match_content(&json!({"spec": {}})));
    }

    #[test]
    fn name_and_namespace_are_read_from_the_key() {
        let pinned = selector("metadata.name=web,metadata.namespace!=kube-system");
        assert_eq!(pinned.required("metadata.name"), Some("web"));
        assert!(!pinned.reads_content());
        assert!(pinned.match_identity("default", "web"));
        assert!(!pinned.match_identity("kube-system", "web"));
        assert!(!pinned.match_identity("default", "other"));
    }

    #[test]
    fn commas_can_be_escaped() {
        assert_eq!(
            selector(r"spec.nodeName=a\,b").required("spec.nodeName"),
            Some("a,b")
        );
    }

    #[test]
    fn unknown_fields_are_refused_by_name() {
        let error = FieldSelector::parse("spec.color=red", &[]).expect_err("refused");
        assert_eq!(error.to_string(), "field label not supported: spec.color");
        assert!(matches!(
            FieldSelector::parse("nonsense", &[]),
            Err(FieldSelectorError::Syntax(_))
        ));
    }
}
