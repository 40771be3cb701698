//! What a patch can ask for beyond setting values.

use serde_json::{Map, Value};

use super::MergeError;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ELEMENT_ORDER: &str = "$setElementOrder/";
const DELETE_FROM_VALUES: &str = "$deleteFromPrimitiveList/";

/// What becomes of a map or of an item of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The patch is merged into it.
    Merge,
    /// The patch takes its place.
    Replace,
    /// It goes away.
    Delete,
}

/// Takes `$patch` out of a map; `None` if there is none.
pub(super) fn take_action(patch: &mut Map<String, Value>) -> Result<Option<Action>, MergeError> {
    let Some(value) = patch.remove(PATCH) else {
        return Ok(None);
    };
    match value.as_str() {
        Some("merge") => Ok(Some(Action::Merge)),
        Some("replace") => Ok(Some(Action::Replace)),
        Some("delete") => Ok(Some(Action::Delete)),
        _ => Err(MergeError::UnknownDirective {
            value: value.to_string(),
        }),
    }
}

/// Takes `$retainKeys` out of a patch, and drops the other keys from the original.
///
/// It is how a patch says which of several alternatives is meant: the keys of the others go.
pub(super) fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), MergeError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Value::Array(keys) = keys else {
        return Err(MergeError::NotAList {
            field: RETAIN_KEYS.to_owned(),
        });
    };
    let keys: std::collections::HashSet<&str> = keys.iter().filter_map(Value::as_str).collect();
    let is_directive = |key: &str| key.starts_with('$');
    if let Some(key) = patch
        .keys()
        .find(|key| !is_directive(key) && !keys.contains(key.as_str()))
    {
        return Err(MergeError::NotRetained { key: key.clone() });
    }
    original.retain(|key, _| keys.contains(key.as_str()));
    Ok(())
}

/// Takes the directives about lists out of a patch: for each the name of the list, and the values.
fn take_lists(
    patch: &mut Map<String, Value>,
    prefix: &str,
) -> Result<Vec<(String, Vec<Value>)>, MergeError> {
    let names: Vec<String> = patch
        .keys()
        .filter_map(|key| key.strip_prefix(prefix))
        .map(str::to_owned)
        .collect();
    let mut lists = Vec::with_capacity(names.len());
    for name in names {
        let key = format!("{prefix}{name}");
        match patch.remove(&key) {
            Some(Value::Array(list)) => lists.push((name, list)),
            _ => return Err(MergeError::NotAList { field: key }),
        }
    }
    Ok(lists)
}

/// Takes `$setElementOrder/…` out of a patch: lists, and the order that their items shall have.
pub(super) fn take_orders(
    patch: &mut Map<String, Value>,
) -> Result<Vec<(String, Vec<Value>)>, MergeError> {
    take_lists(patch, SET_ELEMENT_ORDER)
}

/// Takes `$deleteFromPrimitiveList/…` out of a patch: lists, and the values that shall go.
pub(super) fn take_deletions(
    patch: &mut Map<String, Value>,
) -> Result<Vec<(String, Vec<Value>)>, MergeError> {
    take_lists(patch, DELETE_FROM_VALUES)
}

/// What a patch leaves behind where there was nothing before: no directives, and no nulls.
pub(super) fn settled(value: Value) -> Option<Value> {
    match value {
        Value::Object(mut map) => {
            if map.get(PATCH).and_then(Value::as_str) == Some("delete") {
                return None;
            }
            map.remove(PATCH);
            map.remove(RETAIN_KEYS);
            let is_about_list = |key: &str| {
                key.starts_with(SET_ELEMENT_ORDER) || key.starts_with(DELETE_FROM_VALUES)
            };
            let kept = map
                .into_iter()
                .filter(|(key, value)| !value.is_null() && !is_about_list(key));
            let kept = kept.filter_map(|(key, value)| Some((key, settled(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(
            items.into_iter().filter_map(settled).collect(),
        )),
        other => Some(other),
    }
}
