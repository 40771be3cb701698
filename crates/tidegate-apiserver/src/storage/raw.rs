//! The stored bytes of an object, and how they become what is served.
//!
//! Stored JSON begins with `{"metadata":{`; serving puts the resource version right behind that.
//! Revision 0 stands for "not stored" (a dry run) and is not shown.

use bytes::{BufMut, Bytes};
use serde_json::{Map, Value};
use tidegate_store::Revision;

/// The revision of an object that was only tried.
pub(crate) const NOT_STORED: Revision = Revision(0);

const HEAD: &[u8] = br#"{"metadata":{"#;

/// One object's stored bytes with the revision of its last change.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) bytes: Bytes,
    pub(crate) revision: Revision,
}

/// Bytes in the store that are not an object: a fault of the data, never of the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RawError {
    #[error(
        "a stored object does not begin as objects do; the data directory was changed by something else"
    )]
    Head,
    #[error(
        "a stored object is not valid JSON ({0}); the data directory was changed by something else"
    )]
    Json(#[from] serde_json::Error),
}

impl Raw {
    /// Appends the object as JSON with its resource version.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RawError> {
        let rest = self.bytes.strip_prefix(HEAD).ok_or(RawError::Head)?;
        out.reserve(self.bytes.len() + 48);
        out.put_slice(HEAD);
        if self.revision == NOT_STORED {
            out.put_slice(rest);
            return Ok(());
        }
        out.put_slice(br#""resourceVersion":""#);
        out.put_slice(self.revision.0.to_string().as_bytes());
        out.put_slice(if rest.first() == Some(&b'}') {
            b"\""
        } else {
            b"\","
        });
        out.put_slice(rest);
        Ok(())
    }

    /// The object as a value with its resource version.
    pub(crate) fn parse(&self) -> Result<Value, RawError> {
        let mut object: Value = serde_json::from_slice(&self.bytes)?;
        if self.revision != NOT_STORED
            && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.insert(
                "resourceVersion".to_owned(),
                self.revision.0.to_string().into(),
            );
        }
        Ok(object)
    }
}

/// The bytes that are stored for an object.
pub(crate) fn encode(object: &Value) -> Bytes {
    let mut fields: Map<String, Value> = object.as_object().cloned().unwrap_or_default();
    let mut metadata = match fields.remove("metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    metadata.remove("resourceVersion");
    let mut out = Vec::with_capacity(1024);
    out.put_slice(br#"{"metadata":"#);
    out.put_slice(Value::Object(metadata).to_string().as_bytes());
    let rest = Value::Object(fields).to_string();
    if rest.len() > 2 {
        out.put_slice(b",");
    }
    out.put_slice(&rest.as_bytes()[1..]);
    out.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn served(object: &Value, revision: u64) -> Value {
        let raw = Raw {
            bytes: encode(object),
            revision: Revision(revision),
        };
        let mut out = Vec::new();
        raw.write_to(&mut out).expect("written");
        let value: Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(value, raw.parse().expect("parsed"));
        value
    }

    #[test]
    fn the_resource_version_is_that_of_the_revision() {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod", "spec": {"a": [1, 2]},
            "metadata": {"name": "p", "resourceVersion": "stale"}
        });
        let mut wanted = object.clone();
        wanted["metadata"]["resourceVersion"] = json!("42");
        assert_eq!(served(&object, 42), wanted);
    }

    #[test]
    fn an_object_of_nothing_but_metadata_is_served_too() {
        assert_eq!(
            served(&json!({"metadata": {}}), 7),
            json!({"metadata": {"resourceVersion": "7"}})
        );
    }

    #[test]
    fn foreign_bytes_are_refused() {
        let raw = Raw {
            bytes: Bytes::from_static(b"[]"),
            revision: Revision(1),
        };
        assert!(matches!(raw.write_to(&mut Vec::new()), Err(RawError::Head)));
    }
}
