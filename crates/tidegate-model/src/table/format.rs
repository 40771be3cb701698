//! Cells that many kinds have in common.

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::duration::human_duration;

pub(super) const NONE: &str = "<none>";
pub(super) const UNKNOWN: &str = "<unknown>";

/// The text of a value, empty if it has none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The text of a value, or what stands for a missing one.
pub(super) fn text_or<'a>(value: &'a Value, missing: &'a str) -> &'a str {
    match text(value) {
        "" => missing,
        text => text,
    }
}

/// The number of a value, 0 if it has none.
pub(super) fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// The items of a list, none if it isn't one.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The number of entries of a map.
pub(super) fn entries(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

/// The name of an object.
pub(super) fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

/// A point in time.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// How long ago something was.
pub(super) fn since(value: &Value, now: Timestamp) -> String {
    time(value).map_or_else(|| UNKNOWN.to_owned(), |time| human_duration(time, now))
}

/// The age of an object.
pub(super) fn age(object: &Value, now: Timestamp) -> String {
    since(&object["metadata"]["creationTimestamp"], now)
}

/// A map of labels, `a=b,c=d`.
pub(super) fn labels(value: &Value) -> String {
    let Some(map) = value.as_object().filter(|map| !map.is_empty()) else {
        return NONE.to_owned();
    };
    let mut labels: Vec<String> = map
        .iter()
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    labels.sort_unstable();
    labels.join(",")
}

/// A label selector: `a=b,c in (d,e),!f`.
pub(super) fn label_selector(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut parts: Vec<(&str, String)> = labels
        .map(|(key, value)| (key.as_str(), format!("{key}={}", text(value))))
        .collect();
    for expression in items(&selector["matchExpressions"]) {
        let key = text(&expression["key"]);
        let mut values: Vec<&str> = items(&expression["values"]).iter().map(text).collect();
        values.sort_unstable();
        let values = values.join(",");
        let part = match text(&expression["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return "<error>".to_owned(),
        };
        parts.push((key, part));
    }
    if parts.is_empty() {
        return NONE.to_owned();
    }
    parts.sort_by_key(|(key, _)| *key);
    parts
        .into_iter()
        .map(|(_, part)| part)
        .collect::<Vec<_>>()
        .join(",")
}

/// The first three items of a list, and how many more there are.
pub(super) fn first_three(shown: &[String], count: usize) -> String {
    let joined = shown.join(",");
    match count.saturating_sub(3) {
        0 => joined,
        more => format!("{joined} + {more} more..."),
    }
}
