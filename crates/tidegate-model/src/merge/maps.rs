//! Merging maps.

use serde_json::{Map, Value};

use super::directives::{Action, retain_keys, settled, take_action, take_deletions, take_orders};
use super::order::Identity;
use super::schema::PatchRule;
use super::{MergeError, Schema, lists};

type Object = Map<String, Value>;

/// Merges a patch into a map of a type.
pub(super) fn merge(
    schema: &Schema,
    mut original: Object,
    mut patch: Object,
) -> Result<Object, MergeError> {
    match take_action(&mut patch)? {
        Some(Action::Replace) => {
            let fields = patch.into_iter().filter(|(_, value)| !value.is_null());
            return Ok(fields
                .filter_map(|(key, value)| Some((key, settled(value)?)))
                .collect());
        }
        Some(Action::Delete) => return Ok(Object::new()),
        Some(Action::Merge) | None => {}
    }
    retain_keys(&mut original, &mut patch)?;
    for (field, order) in take_orders(&mut patch)? {
        set_order(schema, &mut original, &mut patch, field, &order)?;
    }
    for (field, values) in take_deletions(&mut patch)? {
        if let Some(Value::Array(list)) = original.get_mut(&field) {
            lists::delete_values(list, &values);
        }
    }
    for (field, value) in patch {
        merge_field(schema, &mut original, field, value)?;
    }
    Ok(original)
}

fn merge_field(
    schema: &Schema,
    original: &mut Object,
    field: String,
    value: Value,
) -> Result<(), MergeError> {
    let former = original.remove(&field);
    let merged = match (former, value) {
        (_, Value::Null) => None,
        (Some(Value::Object(former)), Value::Object(patch)) => {
            let (_, schema) = schema.field(&field);
            Some(Value::Object(merge(schema, former, patch)?))
        }
        (Some(Value::Array(former)), Value::Array(patch)) => {
            let (rule, schema) = schema.field(&field);
            let merged = match identity_of(rule) {
                Some(identity) => lists::merge(schema, identity, &field, former, patch, None)?,
                None => patch.into_iter().filter_map(settled).collect(),
            };
            Some(Value::Array(merged))
        }
        (_, value) => settled(value),
    };
    if let Some(merged) = merged {
        original.insert(field, merged);
    }
    Ok(())
}

/// Merges a list for which the patch says in which order its items shall be.
fn set_order(
    schema: &Schema,
    original: &mut Object,
    patch: &mut Object,
    field: String,
    order: &[Value],
) -> Result<(), MergeError> {
    let (rule, item_schema) = schema.field(&field);
    let Some(identity) = identity_of(rule) else {
        // The list is replaced, so it has the order of the patch.
        return Ok(());
    };
    let (former, changes) = match (original.remove(&field), patch.remove(&field)) {
        (None, None) => return Ok(()),
        (former, Some(Value::Null)) => {
            drop(former);
            return Ok(());
        }
        (former, changes) => (as_list(&field, former)?, as_list(&field, changes)?),
    };
    let merged = lists::merge(item_schema, identity, &field, former, changes, Some(order))?;
    original.insert(field, Value::Array(merged));
    Ok(())
}

fn as_list(field: &str, value: Option<Value>) -> Result<Vec<Value>, MergeError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(MergeError::NotAList {
            field: field.to_owned(),
        }),
    }
}

fn identity_of(rule: Option<PatchRule>) -> Option<Identity> {
    match rule? {
        PatchRule::MergeByKey(key) | PatchRule::MergeByKeyRetaining(key) => {
            Some(Identity::Key(key))
        }
        PatchRule::MergeValues => Some(Identity::Value),
        PatchRule::RetainKeys => None,
    }
}
