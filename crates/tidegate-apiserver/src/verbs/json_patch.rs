//! JSON patches (RFC 6902), with bounds.
//!
//! A short patch can make a large object: each `copy` may double it, or its depth. What copies and
//! moves carry is therefore counted, and nothing may come to lie deeper than the JSON reader would
//! have let it come in. The count of operations and of bytes is upstream's.

use json_patch::{Patch, PatchOperation, patch_unsafe};
use serde_json::Value;

const MAX_OPERATIONS: usize = 10_000;
const MAX_CARRIED_BYTES: usize = 3 * 1024 * 1024;
const MAX_DEPTH: usize = 128;

/// Why a JSON patch can't be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum JsonPatchError {
    #[error("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    TooManyOperations(usize),
    #[error("the copies and moves of the JSON patch carry more than {MAX_CARRIED_BYTES} bytes")]
    TooMuchCarried,
    #[error("the JSON patch makes an object that is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("{0}")]
    Operation(#[from] json_patch::PatchError),
}

/// Applies a patch. The object is lost if it fails.
pub(super) fn apply(mut object: Value, patch: &Patch) -> Result<Value, JsonPatchError> {
    if patch.0.len() > MAX_OPERATIONS {
        return Err(JsonPatchError::TooManyOperations(patch.0.len()));
    }
    let mut carried = 0;
    for operation in &patch.0 {
        check(&object, operation, &mut carried)?;
        patch_unsafe(&mut object, std::slice::from_ref(operation))?;
    }
    Ok(object)
}

fn check(
    object: &Value,
    operation: &PatchOperation,
    carried: &mut usize,
) -> Result<(), JsonPatchError> {
    let source = match operation {
        PatchOperation::Add(add) => Some(&add.value),
        PatchOperation::Replace(replace) => Some(&replace.value),
        PatchOperation::Copy(copy) => carry(object, copy.from.as_str(), carried)?,
        PatchOperation::Move(moving) => carry(object, moving.from.as_str(), carried)?,
        PatchOperation::Remove(_) | PatchOperation::Test(_) => None,
    };
    let depth = operation.path().tokens().count() + source.map_or(0, |value| measure(value).depth);
    if depth > MAX_DEPTH {
        return Err(JsonPatchError::TooDeep);
    }
    Ok(())
}

/// The value that a copy or move takes along; a source that isn't there fails later.
fn carry<'v>(
    object: &'v Value,
    from: &str,
    carried: &mut usize,
) -> Result<Option<&'v Value>, JsonPatchError> {
    let Some(value) = object.pointer(from) else {
        return Ok(None);
    };
    *carried += measure(value).bytes;
    if *carried > MAX_CARRIED_BYTES {
        return Err(JsonPatchError::TooMuchCarried);
    }
    Ok(Some(value))
}

#[derive(Debug, Default, PartialEq)]
struct Size {
    /// About as many as the value takes in JSON.
    bytes: usize,
    depth: usize,
}

fn measure(value: &Value) -> Size {
    let mut size = Size::default();
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        size.depth = size.depth.max(depth);
        size.bytes += 8;
        match value {
            Value::String(text) => size.bytes += text.len(),
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => {
                size.bytes += fields.keys().map(String::len).sum::<usize>();
                open.extend(fields.values().map(|field| (field, depth + 1)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply_all(object: Value, operations: Value) -> Result<Value, JsonPatchError> {
        apply(
            object,
            &serde_json::from_value(operations).expect("a patch"),
        )
    }

    #[test]
    fn every_operation_works() {
        let patched = apply_all(
            json!({"a": 1, "b": [1, 2]}),
            json!([
                {"op": "test", "path": "/a", "value": 1},
                {"op": "add", "path": "/b/-", "value": 3},
                {"op": "copy", "from": "/b", "path": "/c"},
                {"op": "move", "from": "/a", "path": "/d"},
                {"op": "remove", "path": "/b/0"},
                {"op": "replace", "path": "/c/0", "value": {"x": null}},
            ]),
        );
        assert_eq!(
            patched.expect("patched"),
            json!({"b": [2, 3], "c": [{"x": null}, 2, 3], "d": 1})
        );
    }

    #[test]
    fn copies_that_double_are_stopped() {
        let double = |_| json!({"op": "copy", "from": "/a", "path": "/a/-"});
        let operations: Vec<Value> = (0..60).map(double).collect();
        let answer = apply_all(json!({"a": ["x"]}), json!(operations));
        assert!(matches!(
            answer,
            Err(JsonPatchError::TooMuchCarried | JsonPatchError::TooDeep)
        ));
    }

    #[test]
    fn nesting_without_end_is_stopped() {
        let deepen = |_| json!({"op": "move", "from": "/a", "path": "/b/a"});
        let wrap = |_| json!({"op": "add", "path": "/b", "value": {}});
        let back = |_| json!({"op": "move", "from": "/b", "path": "/a"});
        let operations: Vec<Value> = (0..300)
            .flat_map(|n| [wrap(n), deepen(n), back(n)])
            .collect();
        let answer = apply_all(json!({"a": {}}), json!(operations));
        assert!(matches!(answer, Err(JsonPatchError::TooDeep)));
    }

    #[test]
    fn too_many_operations_are_refused() {
        let test = json!({"op": "test", "path": "/a", "value": 1});
        let answer = apply_all(json!({"a": 1}), json!(vec![test; MAX_OPERATIONS + 1]));
        assert!(matches!(answer, Err(JsonPatchError::TooManyOperations(_))));
    }
}
