//! Field errors: what is wrong with a field, in upstream's words.
//!
//! A client of the Kubernetes API reads these messages, and so do tests and tools that match on
//! them. Their form is therefore part of the API: `<field>: <what>: <value>: <detail>`
//! (apimachinery's `field.Error`).

use std::fmt;

use serde_json::Value;

use super::FieldPath;

/// One fault of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// What kind of fault it is.
    pub reason: CauseReason,
    /// Where it is, as in `spec.ports[0].nodePort`.
    pub field: String,
    /// What is wrong, without the field: the `message` of a `StatusCause`.
    pub message: String,
}

impl Cause {
    /// The value at `path` is malformed, out of range or contradicts another one.
    pub fn invalid(path: &FieldPath, value: impl Into<Value>, detail: impl AsRef<str>) -> Self {
        Self::with_value(CauseReason::Invalid, path, &value.into(), detail.as_ref())
    }

    /// A value is missing at `path`; `detail` may be empty.
    pub fn required(path: &FieldPath, detail: &str) -> Self {
        Self::without_value(CauseReason::Required, path, detail)
    }

    /// `path` may not be set.
    pub fn forbidden(path: &FieldPath, detail: impl AsRef<str>) -> Self {
        Self::without_value(CauseReason::Forbidden, path, detail.as_ref())
    }

    /// The value at `path` occurs a second time.
    pub fn duplicate(path: &FieldPath, value: impl Into<Value>) -> Self {
        Self::with_value(CauseReason::Duplicate, path, &value.into(), "")
    }

    /// The value at `path`, printed as given, occurs a second time.
    pub(crate) fn duplicate_printed(path: &FieldPath, printed: &str) -> Self {
        Self::without_value(CauseReason::Duplicate, path, printed)
    }

    /// The value at `path` refers to something that isn't there.
    pub fn not_found(path: &FieldPath, value: impl Into<Value>) -> Self {
        Self::with_value(CauseReason::NotFound, path, &value.into(), "")
    }

    /// The value at `path` isn't one of `supported`, which are listed in the given order.
    pub fn unsupported(path: &FieldPath, value: impl Into<Value>, supported: &[&str]) -> Self {
        let listed: Vec<String> = supported.iter().map(|value| quoted(value)).collect();
        let detail = format!("supported values: {}", listed.join(", "));
        Self::with_value(CauseReason::NotSupported, path, &value.into(), &detail)
    }

    /// The value at `path` has more than `limit` bytes. The value itself isn't repeated.
    pub fn too_long(path: &FieldPath, limit: usize) -> Self {
        let detail = format!("may not be more than {limit} bytes");
        Self::without_value(CauseReason::TooLong, path, &detail)
    }

    /// The list at `path` has `count` items, more than `limit`.
    pub fn too_many(path: &FieldPath, count: usize, limit: usize) -> Self {
        let detail = format!("must have at most {limit} items");
        Self::with_value(CauseReason::TooMany, path, &count.into(), &detail)
    }

    fn with_value(reason: CauseReason, path: &FieldPath, value: &Value, detail: &str) -> Self {
        let value = match value {
            Value::String(text) => quoted(text),
            other => other.to_string(),
        };
        let mut message = format!("{}: {value}", reason.headline());
        if !detail.is_empty() {
            message.push_str(": ");
            message.push_str(detail);
        }
        Self {
            reason,
            field: path.to_string(),
            message,
        }
    }

    fn without_value(reason: CauseReason, path: &FieldPath, detail: &str) -> Self {
        let mut message = reason.headline().to_owned();
        if !detail.is_empty() {
            message.push_str(": ");
            message.push_str(detail);
        }
        Self {
            reason,
            field: path.to_string(),
            message,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// What kind of fault a field has; the `reason` of a `StatusCause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseReason {
    /// The value refers to something that the object doesn't have.
    NotFound,
    /// A value is missing.
    Required,
    /// The value occurs twice where it must be unique.
    Duplicate,
    /// The value is malformed, out of range or contradicts another one.
    Invalid,
    /// The value isn't one of an enumeration's.
    NotSupported,
    /// The field may not be set in this place.
    Forbidden,
    /// The value has too many bytes.
    TooLong,
    /// The list has too many items.
    TooMany,
}

impl CauseReason {
    /// The name in `details.causes[].reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
        }
    }

    fn headline(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }
}

/// Quotes a string as Go's `%q` does, which the messages of the API are written with.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_printed_as_go_prints_them() {
        let path = FieldPath::root("f");
        let shown = |value: Value| Cause::invalid(&path, value, "d").message;
        assert_eq!(
            shown(json!("a\"\u{1}\n")),
            r#"Invalid value: "a\"\x01\n": d"#
        );
        assert_eq!(
            shown(json!(["10.0.0.1"])),
            r#"Invalid value: ["10.0.0.1"]: d"#
        );
        assert_eq!(shown(json!(true)), "Invalid value: true: d");
        assert_eq!(shown(Value::Null), "Invalid value: null: d");
    }

    #[test]
    fn the_other_reasons_have_upstreams_wording() {
        let path = FieldPath::root("f");
        assert_eq!(
            Cause::unsupported(&path, "x", &["A", "B"]).to_string(),
            r#"f: Unsupported value: "x": supported values: "A", "B""#
        );
        assert_eq!(
            Cause::too_long(&path, 262_144).to_string(),
            "f: Too long: may not be more than 262144 bytes"
        );
        assert_eq!(
            Cause::too_many(&path, 5, 2).to_string(),
            "f: Too many: 5: must have at most 2 items"
        );
        assert_eq!(
            Cause::duplicate(&path, "x").to_string(),
            "f: Duplicate value: \"x\""
        );
        assert_eq!(
            Cause::forbidden(&path, "no").to_string(),
            "f: Forbidden: no"
        );
    }
}
