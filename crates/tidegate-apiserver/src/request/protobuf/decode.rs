//! From a protobuf message to the JSON object that it stands for.
//!
//! Go's encoder writes every plain field, also when it is empty; JSON leaves those out. Fields that
//! are pointers in Go are written only when they are set, so their zero is a value.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    ProtobufError,
    schema::{Field, Message, Type},
    wire::{Content, next_field},
};

/// Reads a message. Its depth is bounded by that of the table.
pub(super) fn message(schema: &'static Message, mut bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut object = Map::new();
    while let Some((number, content)) = next_field(&mut bytes)? {
        let field = schema
            .fields
            .iter()
            .find(|field| field.number == number)
            .ok_or(ProtobufError::Field {
                message: schema.name,
                number,
            })?;
        read_field(field, content, &mut object)?;
    }
    Ok(Value::Object(object))
}

fn read_field(
    field: &'static Field,
    content: Content<'_>,
    object: &mut Map<String, Value>,
) -> Result<(), ProtobufError> {
    let name = field.name.to_owned();
    match field.value {
        Type::List(item) => {
            let item = value(*item, content)?.unwrap_or_default();
            if let Some(items) = object
                .entry(name)
                .or_insert_with(|| json!([]))
                .as_array_mut()
            {
                items.push(item);
            }
        }
        Type::Map(value_type) => {
            let (key, item) = map_entry(value_type, content)?;
            if let Some(entries) = object
                .entry(name)
                .or_insert_with(|| json!({}))
                .as_object_mut()
            {
                entries.insert(key, item);
            }
        }
        plain => {
            if let Some(value) =
                value(plain, content)?.filter(|value| field.pointer || !is_empty(value))
            {
                object.insert(name, value);
            }
        }
    }
    Ok(())
}

/// `None` for a time that is not set.
fn value(value_type: Type, content: Content<'_>) -> Result<Option<Value>, ProtobufError> {
    Ok(Some(match (value_type, content) {
        // Negative numbers are written as 64 bits in two's complement.
        (Type::Number, Content::Number(number)) => json!(number.cast_signed()),
        (Type::Boolean, Content::Number(number)) => json!(number != 0),
        (Type::Text, Content::Bytes(bytes)) => json!(text(bytes)?),
        (Type::Bytes, Content::Bytes(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
        (Type::Message(schema), Content::Bytes(bytes)) => message(schema, bytes)?,
        (Type::Time, Content::Bytes(bytes)) => return time(bytes),
        (Type::IntOrString, Content::Bytes(bytes)) => int_or_string(bytes)?,
        (Type::Quantity, Content::Bytes(bytes)) => quantity(bytes)?,
        _ => return Err(ProtobufError::Malformed),
    }))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(truth) => !truth,
        _ => false,
    }
}

fn text(bytes: &[u8]) -> Result<&str, ProtobufError> {
    std::str::from_utf8(bytes).map_err(|_| ProtobufError::Malformed)
}

fn map_entry(value_type: &Type, content: Content<'_>) -> Result<(String, Value), ProtobufError> {
    let Content::Bytes(mut entry) = content else {
        return Err(ProtobufError::Malformed);
    };
    let (mut key, mut item) = (String::new(), json!(""));
    while let Some((number, content)) = next_field(&mut entry)? {
        match (number, content) {
            (1, Content::Bytes(bytes)) => text(bytes)?.clone_into(&mut key),
            (2, content) => item = value(*value_type, content)?.unwrap_or_default(),
            _ => return Err(ProtobufError::Malformed),
        }
    }
    Ok((key, item))
}

/// Seconds (1) and nanoseconds (2) since the epoch; a message without either is no time.
fn time(mut bytes: &[u8]) -> Result<Option<Value>, ProtobufError> {
    let mut seconds = None;
    while let Some((number, content)) = next_field(&mut bytes)? {
        if let (1, Content::Number(number)) = (number, content) {
            seconds = Some(number.cast_signed());
        }
    }
    let Some(seconds) = seconds.filter(|seconds| *seconds != 0) else {
        return Ok(None);
    };
    let moment = Timestamp::from_second(seconds).map_err(|_| ProtobufError::Malformed)?;
    Ok(Some(json!(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    )))
}

/// A kind (1: 0 for a number, 1 for a text), the number (2) and the text (3).
fn int_or_string(mut bytes: &[u8]) -> Result<Value, ProtobufError> {
    let (mut is_text, mut number, mut string) = (false, 0, String::new());
    while let Some(field) = next_field(&mut bytes)? {
        match field {
            (1, Content::Number(kind)) => is_text = kind != 0,
            (2, Content::Number(value)) => number = value.cast_signed(),
            (3, Content::Bytes(value)) => text(value)?.clone_into(&mut string),
            _ => return Err(ProtobufError::Malformed),
        }
    }
    Ok(if is_text {
        json!(string)
    } else {
        json!(number)
    })
}

/// The quantity's text (1).
fn quantity(mut bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut amount = String::new();
    while let Some(field) = next_field(&mut bytes)? {
        match field {
            (1, Content::Bytes(value)) => text(value)?.clone_into(&mut amount),
            _ => return Err(ProtobufError::Malformed),
        }
    }
    Ok(json!(amount))
}
