//! Merging lists whose items can be told apart.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::directives::{Action, settled, take_action};
use super::order::{Identity, arrange, check_order};
use super::{MergeError, Schema, maps};

/// Merges a patch into a list; `order` is what `$setElementOrder` asks for.
pub(super) fn merge(
    schema: &Schema,
    identity: Identity,
    field: &str,
    mut original: Vec<Value>,
    patch: Vec<Value>,
    order: Option<&[Value]>,
) -> Result<Vec<Value>, MergeError> {
    let changes = match identity {
        Identity::Value => patch,
        Identity::Key(_) => {
            let instructions = read_instructions(identity, field, patch)?;
            if instructions.replaces {
                return Ok(instructions
                    .changes
                    .into_iter()
                    .filter_map(settled)
                    .collect());
            }
            if !instructions.deleted.is_empty() {
                original.retain(|item| {
                    identity
                        .of(item)
                        .is_none_or(|id| !instructions.deleted.contains(&id))
                });
            }
            instructions.changes
        }
    };
    let server_order: Vec<String> = original
        .iter()
        .filter_map(|item| identity.of(item))
        .collect();
    let change_order = identity.of_all(field, &changes)?;
    let patch_order = match order {
        Some(order) => {
            let order = identity.of_all(field, order)?;
            check_order(field, &change_order, &order)?;
            order
        }
        None => change_order,
    };
    let merged = merge_items(schema, identity, original, changes)?;
    Ok(arrange(identity, merged, &patch_order, &server_order))
}

/// What the items of a patch list ask for.
struct Instructions {
    /// The changes take the place of the whole list.
    replaces: bool,
    /// The identities of items that go away.
    deleted: HashSet<String>,
    /// The items to merge or to add.
    changes: Vec<Value>,
}

fn read_instructions(
    identity: Identity,
    field: &str,
    patch: Vec<Value>,
) -> Result<Instructions, MergeError> {
    let mut found = Instructions {
        replaces: false,
        deleted: HashSet::new(),
        changes: Vec::new(),
    };
    for mut item in patch {
        let Value::Object(map) = &mut item else {
            return Err(MergeError::NotAnObject {
                field: format!("an item of {field}"),
            });
        };
        match take_action(map)? {
            None => found.changes.push(item),
            Some(Action::Replace) => found.replaces = true,
            Some(Action::Delete) => {
                found.deleted.insert(identity.required(field, &item)?);
            }
            Some(Action::Merge) => return Err(MergeError::MergeInList),
        }
    }
    Ok(found)
}

fn merge_items(
    schema: &Schema,
    identity: Identity,
    mut items: Vec<Value>,
    changes: Vec<Value>,
) -> Result<Vec<Value>, MergeError> {
    let mut places: HashMap<String, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(id) = identity.of(item) {
            places.entry(id).or_insert(index);
        }
    }
    for change in changes {
        let Some(id) = identity.of(&change) else {
            continue;
        };
        match places.get(&id) {
            None => {
                places.insert(id, items.len());
                items.extend(settled(change));
            }
            Some(&index) => {
                if let (Value::Object(former), Value::Object(patch)) = (&mut items[index], change) {
                    *former = maps::merge(schema, std::mem::take(former), patch)?;
                }
            }
        }
    }
    Ok(items)
}

/// Removes plain values from a list.
pub(super) fn delete_values(list: &mut Vec<Value>, values: &[Value]) {
    let values: HashSet<String> = values.iter().map(Value::to_string).collect();
    list.retain(|item| !values.contains(&item.to_string()));
}
