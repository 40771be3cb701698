//! Quantities may be written as numbers (`cpu: 2`); the types know only strings.

use serde_json::Value;

/// Fields whose values, directly or one level below, are quantities.
const QUANTITY_FIELDS: [&str; 6] = [
    "limits",
    "requests",
    "capacity",
    "allocatable",
    "sizeLimit",
    "divisor",
];

/// Turns numbers that stand for quantities into their text.
pub(super) fn normalise_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if QUANTITY_FIELDS.contains(&name.as_str()) {
                    quantity(field);
                }
                normalise_numbers(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise_numbers),
        _ => {}
    }
}

fn quantity(field: &mut Value) {
    match field {
        Value::Number(number) => *field = Value::String(number.to_string()),
        Value::Object(amounts) => {
            for amount in amounts.values_mut() {
                if let Value::Number(number) = amount {
                    *amount = Value::String(number.to_string());
                }
            }
        }
        _ => {}
    }
}
