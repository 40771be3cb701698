//! Validation of labels, annotations and label selectors.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::formats::{label_value, qualified_name};
use super::{Cause, FieldPath};

/// The most bytes that the keys and values of all annotations may have together (256 KiB).
const ANNOTATION_BYTES: usize = 256 * 1024;

/// Checks keys and values of labels, or of a plain map selector.
pub(crate) fn check_labels(path: &FieldPath, labels: &BTreeMap<String, String>) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in labels {
        let key_faults = qualified_name(key);
        causes.extend(
            key_faults
                .iter()
                .map(|fault| Cause::invalid(path, key.as_str(), fault)),
        );
        let value_faults = label_value(value);
        causes.extend(
            value_faults
                .iter()
                .map(|fault| Cause::invalid(path, value.as_str(), fault)),
        );
    }
    causes
}

/// Checks the keys of annotations, and the size of all of them together.
pub(crate) fn check_annotations(
    path: &FieldPath,
    annotations: &BTreeMap<String, String>,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut bytes = 0;
    for (key, value) in annotations {
        // Unlike labels, annotation keys may have capitals in their prefix.
        let faults = qualified_name(&key.to_lowercase());
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(path, key.as_str(), fault)),
        );
        bytes += key.len() + value.len();
    }
    if bytes > ANNOTATION_BYTES {
        causes.push(Cause::too_long(path, ANNOTATION_BYTES));
    }
    causes
}

/// Checks a label selector: its labels, operators and their values.
pub(crate) fn check_selector(path: &FieldPath, selector: &LabelSelector) -> Vec<Cause> {
    let labels = selector.match_labels.as_ref();
    let mut causes = labels.map_or_else(Vec::new, |labels| {
        check_labels(&path.child("matchLabels"), labels)
    });
    let expressions = path.child("matchExpressions");
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        causes.extend(check_requirement(&expressions.index(index), requirement));
    }
    causes
}

fn check_requirement(path: &FieldPath, requirement: &LabelSelectorRequirement) -> Vec<Cause> {
    let mut causes = Vec::new();
    let values = requirement.values.as_deref().unwrap_or_default();
    let values_path = path.child("values");
    match requirement.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => causes.push(Cause::required(
            &values_path,
            "must be specified when `operator` is 'In' or 'NotIn'",
        )),
        "Exists" | "DoesNotExist" if !values.is_empty() => causes.push(Cause::forbidden(
            &values_path,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => causes.push(Cause::invalid(
            &path.child("operator"),
            other,
            "not a valid selector operator",
        )),
    }
    let key = requirement.key.as_str();
    let key_faults = qualified_name(key);
    causes.extend(
        key_faults
            .iter()
            .map(|fault| Cause::invalid(&path.child("key"), key, fault)),
    );
    for (index, value) in values.iter().enumerate() {
        let faults = label_value(value);
        let path = values_path.index(index);
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, value.as_str(), fault)),
        );
    }
    causes
}

/// True if the selector asks for nothing, and so would match every object.
pub(crate) fn is_empty_selector(selector: &LabelSelector) -> bool {
    selector.match_labels.iter().all(BTreeMap::is_empty)
        && selector.match_expressions.iter().all(Vec::is_empty)
}

/// True if an object with `labels` is selected. An unknown operator selects nothing.
pub(crate) fn selector_matches(
    selector: &LabelSelector,
    labels: &BTreeMap<String, String>,
) -> bool {
    let has_labels = selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value));
    let meets = |requirement: &LabelSelectorRequirement| {
        let value = labels.get(&requirement.key);
        let listed = || {
            requirement
                .values
                .iter()
                .flatten()
                .any(|v| Some(v) == value)
        };
        match requirement.operator.as_str() {
            "In" => value.is_some() && listed(),
            "NotIn" => !listed(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    };
    has_labels && selector.match_expressions.iter().flatten().all(meets)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selector(value: serde_json::Value) -> LabelSelector {
        serde_json::from_value(value).expect("a selector")
    }

    #[test]
    fn selectors_match_by_labels_and_expressions() {
        let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let matches = |value| selector_matches(&selector(value), &labels);
        let expression = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        assert!(matches(json!({"matchLabels": {"app": "web"}})));
        assert!(!matches(json!({"matchLabels": {"app": "db"}})));
        assert!(matches(expression("app", "In", &["db", "web"])));
        assert!(!matches(expression("tier", "In", &["x"])));
        assert!(matches(expression("tier", "NotIn", &["x"])));
        assert!(matches(expression("app", "Exists", &[])));
        assert!(matches(expression("tier", "DoesNotExist", &[])));
        assert!(!matches(expression("app", "Like", &["web"])));
    }

    #[test]
    fn selectors_are_checked_for_operators_and_values() {
        let bad = selector(json!({"matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["x"]},
            {"key": "", "operator": "Like"},
        ]}));
        let causes = check_selector(&FieldPath::root("spec").child("selector"), &bad);
        let shown: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown[0],
            "spec.selector.matchExpressions[0].values: Required value: must be specified when \
             `operator` is 'In' or 'NotIn'"
        );
        assert!(shown[1].contains("values: Forbidden"), "{}", shown[1]);
        assert_eq!(
            shown[2],
            "spec.selector.matchExpressions[2].operator: Invalid value: \"Like\": not a valid \
             selector operator"
        );
        assert!(shown[3].contains("key: Invalid value: \"\": name part must be non-empty"));
    }

    #[test]
    fn annotations_are_limited_together() {
        let path = FieldPath::root("metadata").child("annotations");
        let half = "x".repeat(ANNOTATION_BYTES / 2);
        let one = BTreeMap::from([("Example.com/a".to_owned(), half.clone())]);
        assert!(check_annotations(&path, &one).is_empty());
        let two = BTreeMap::from([("a".to_owned(), half.clone()), ("b".to_owned(), half)]);
        assert_eq!(
            check_annotations(&path, &two)[0].to_string(),
            "metadata.annotations: Too long: may not be more than 262144 bytes"
        );
    }
}
