//! Strategic merge patch: the patch format that `kubectl apply` and `kubectl edit` send.
//!
//! It is a JSON merge patch that knows the types: a list of containers is merged by the
//! containers' names instead of being replaced. Which list is merged by what is the [`Schema`] of
//! a kind; what a patch can ask for beyond that are directives: `$patch`, `$retainKeys`,
//! `$setElementOrder/…` and `$deleteFromPrimitiveList/…` (apimachinery's `strategicpatch`).

mod directives;
mod error;
mod kinds;
mod lists;
mod maps;
mod order;
mod schema;

use serde_json::Value;

pub use error::MergeError;
pub use kinds::{kind_schema, patch_rule};
pub use schema::{Field, PatchRule, Schema};

/// Applies a strategic merge patch to an object.
///
/// Null in the patch removes a field. The time is proportional to the sizes of both, however the
/// patch is made.
///
/// # Errors
/// [`MergeError`] if the patch is malformed; HTTP 400 is the answer. The object is lost then,
/// callers keep their own copy.
pub fn strategic_merge(
    schema: &Schema,
    original: Value,
    patch: Value,
) -> Result<Value, MergeError> {
    match (original, patch) {
        (Value::Object(original), Value::Object(patch)) => {
            maps::merge(schema, original, patch).map(Value::Object)
        }
        _ => Err(MergeError::NotAnObject {
            field: "the patch".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
