//! What tells the items of a list apart, and in which order they stand after a merge.

use std::collections::HashMap;

use serde_json::Value;

use super::MergeError;

/// What makes an item of a list itself.
#[derive(Clone, Copy)]
pub(super) enum Identity {
    /// The value of this key.
    Key(&'static str),
    /// The item as a whole.
    Value,
}

impl Identity {
    /// The identity of an item, `None` if it has none.
    pub(super) fn of(self, item: &Value) -> Option<String> {
        match self {
            Self::Key(key) => item
                .get(key)
                .filter(|value| !value.is_null())
                .map(Value::to_string),
            Self::Value => Some(item.to_string()),
        }
    }

    /// The identity of an item that must have one.
    pub(super) fn required(self, field: &str, item: &Value) -> Result<String, MergeError> {
        self.of(item).ok_or_else(|| match self {
            Self::Key(key) if item.is_object() => MergeError::MissingMergeKey {
                item: item.to_string(),
                key,
            },
            _ => MergeError::NotAnObject {
                field: format!("an item of {field}"),
            },
        })
    }

    /// The identities of items that must have one.
    pub(super) fn of_all(self, field: &str, items: &[Value]) -> Result<Vec<String>, MergeError> {
        items
            .iter()
            .map(|item| self.required(field, item))
            .collect()
    }
}

/// The first place of each identity.
fn places(order: &[String]) -> HashMap<&str, usize> {
    let mut places = HashMap::with_capacity(order.len());
    for (index, id) in order.iter().enumerate() {
        places.entry(id.as_str()).or_insert(index);
    }
    places
}

/// Checks that a patch list has the order that the patch itself asks for.
pub(super) fn check_order(
    field: &str,
    changes: &[String],
    order: &[String],
) -> Result<(), MergeError> {
    let places = places(order);
    let found: Option<Vec<usize>> = changes
        .iter()
        .map(|id| places.get(id.as_str()).copied())
        .collect();
    match found {
        Some(found) if found.is_sorted() => Ok(()),
        _ => Err(MergeError::OrderMismatch {
            field: field.to_owned(),
        }),
    }
}

/// Puts merged items in order: those of the patch as the patch has them, the others as they were.
///
/// Where the two meet, an item of the patch comes first, unless both were there before and stood
/// the other way round. So a new item goes in front, which is upstream's (and visible) choice.
pub(super) fn arrange(
    identity: Identity,
    items: Vec<Value>,
    patch_order: &[String],
    server_order: &[String],
) -> Vec<Value> {
    let (in_patch, on_server) = (places(patch_order), places(server_order));
    let server_place = |item: &Value| {
        identity
            .of(item)
            .and_then(|id| on_server.get(id.as_str()).copied())
    };
    let patch_place = |item: &Value| {
        identity
            .of(item)
            .and_then(|id| in_patch.get(id.as_str()).copied())
    };
    let (mut patched, mut others): (Vec<Value>, Vec<Value>) = items
        .into_iter()
        .partition(|item| patch_place(item).is_some());
    patched.sort_by_cached_key(patch_place);
    others.sort_by_cached_key(server_place);
    let mut arranged = Vec::with_capacity(patched.len() + others.len());
    let mut others = others.into_iter().peekable();
    for item in patched {
        let place = server_place(&item);
        let comes_before = |other: &Value| match (server_place(other), place) {
            (Some(other), Some(place)) => other < place,
            _ => false,
        };
        while let Some(other) = others.next_if(comes_before) {
            arranged.push(other);
        }
        arranged.push(item);
    }
    arranged.extend(others);
    arranged
}
