//! What an apply changes: last applied, wanted and live objects in, a JSON merge patch out.

use serde_json::{Map, Value};

/// Where the manifest that was applied last is kept; the name that `kubectl apply` uses, so that
/// both can be used on one object.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The merge patch (RFC 7396) that brings `live` to what `wanted` says, removing what `last` said
/// and `wanted` doesn't say any more. What neither of them names stays as it is.
pub(crate) fn three_way(last: &Value, wanted: &Value, live: &Value) -> Value {
    let mut patch = Map::new();
    let empty = Map::new();
    let [last, wanted, live] =
        [last, wanted, live].map(|value| value.as_object().unwrap_or(&empty));
    for gone in last
        .keys()
        .filter(|key| !wanted.contains_key(*key) && live.contains_key(*key))
    {
        patch.insert(gone.clone(), Value::Null);
    }
    for (key, value) in wanted {
        match (value, live.get(key)) {
            (Value::Object(_), Some(there @ Value::Object(_))) => {
                let inner = three_way(last.get(key).unwrap_or(&Value::Null), value, there);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            (Value::Array(_), Some(there))
                if covers(there, value) && last.get(key).is_none_or(|last| last == value) => {}
            (value, there) if there == Some(value) => {}
            (value, _) => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

/// Whether a live value says all that a wanted one says: servers fill in defaults.
fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| live.get(key).is_some_and(|there| covers(there, value))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| covers(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_filled_in_is_no_difference() {
        let manifest = json!({"spec": {"ports": [{"port": 80}]}});
        let live =
            json!({"spec": {"ports": [{"port": 80, "protocol": "TCP"}], "type": "ClusterIP"}});
        assert_eq!(three_way(&manifest, &manifest, &live), json!({}));
    }

    #[test]
    fn what_the_manifest_no_longer_says_is_removed_and_the_rest_stays() {
        let last = json!({"spec": {"a": 1, "b": {"c": 2, "d": 3}}});
        let wanted = json!({"spec": {"b": {"c": 4}}});
        let live = json!({"spec": {"a": 1, "b": {"c": 2, "d": 3}, "other": 5}});
        assert_eq!(
            three_way(&last, &wanted, &live),
            json!({"spec": {"a": null, "b": {"c": 4, "d": null}}})
        );
    }

    #[test]
    fn a_list_that_lost_a_field_is_written_again() {
        let last = json!({"ports": [{"port": 80, "name": "a"}]});
        let wanted = json!({"ports": [{"port": 80}]});
        assert_eq!(three_way(&last, &wanted, &last), wanted);
    }
}
