//! Bodies in Kubernetes' protobuf form.
//!
//! kubectl sends most things as JSON, but since 1.32 its `create …` commands send protobuf and
//! have no second try. So requests may come in it, for the kinds and fields that those commands
//! use ([`schema`]); answers are always JSON, which every client takes. A field that is not in the
//! table is an error: nothing is dropped silently.

mod decode;
mod schema;
mod wire;

use serde_json::{Value, json};

use self::{
    decode::message,
    schema::{Message, UNKNOWN},
};

/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// A body that can't be read.
#[derive(Debug, thiserror::Error, PartialEq)]
pub(super) enum ProtobufError {
    #[error("the body does not begin as Kubernetes protobuf does")]
    NoMagic,
    #[error("the protobuf body is cut off or malformed")]
    Malformed,
    #[error("{api_version} {kind} can't be read as protobuf by this server: send JSON")]
    Kind { api_version: String, kind: String },
    #[error("field {number} of {message} can't be read as protobuf by this server: send JSON")]
    Field { message: &'static str, number: u32 },
}

/// Reads an object.
pub(super) fn from_protobuf(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = bytes.strip_prefix(MAGIC).ok_or(ProtobufError::NoMagic)?;
    let envelope = message(&UNKNOWN, envelope)?;
    let text = |name: &str| {
        envelope["typeMeta"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let Some(schema) = schema::kind(&api_version, &kind) else {
        return Err(ProtobufError::Kind { api_version, kind });
    };
    let mut object = object(schema, &envelope["raw"])?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Ok(object)
}

/// The envelope holds the object as bytes, which the reader gives in base64.
fn object(schema: &'static Message, raw: &Value) -> Result<Value, ProtobufError> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let raw = BASE64_STANDARD
        .decode(raw.as_str().ok_or(ProtobufError::Malformed)?)
        .map_err(|_| ProtobufError::Malformed)?;
    message(schema, &raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length-delimited field.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(content.len()).expect("short")];
        out.extend_from_slice(content);
        out
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let types = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [
            MAGIC.to_vec(),
            field(1, &types),
            field(2, raw),
            field(3, b""),
            field(4, b""),
        ]
        .concat()
    }

    #[test]
    fn a_deployment_is_read() {
        let label = field(1, &[field(1, b"app"), field(2, b"web")].concat());
        let container = [
            field(1, b"nginx"),
            field(2, b"nginx:1"),
            field(5, b""),
            field(8, b""),
        ]
        .concat();
        let pod_spec = [field(2, &container), field(3, b"")].concat();
        let template = [field(1, b""), field(2, &pod_spec)].concat();
        // Field 1 of the specification, replicas, is 0 on purpose: a pointer, so it counts.
        let spec = [
            vec![8, 0],
            field(2, &label),
            field(3, &template),
            field(4, &field(1, b"")),
        ]
        .concat();
        let metadata = [field(1, b"web"), field(2, b""), field(8, b"")].concat();
        let raw = [field(1, &metadata), field(2, &spec), field(3, &[8, 0])].concat();
        assert_eq!(
            from_protobuf(&body("apps/v1", "Deployment", &raw)).expect("read"),
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                "spec": {
                    "replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "strategy": {},
                    "template": {"metadata": {}, "spec": {"containers": [
                        {"name": "nginx", "image": "nginx:1", "resources": {}}]}},
                },
                "status": {},
            })
        );
    }

    #[test]
    fn what_is_not_in_the_table_is_refused_by_name() {
        let job = from_protobuf(&body("batch/v1", "Job", b""));
        assert!(matches!(job, Err(ProtobufError::Kind { .. })));
        let namespace = from_protobuf(&body("v1", "Namespace", &field(9, b"x")));
        assert_eq!(
            namespace,
            Err(ProtobufError::Field {
                message: "Namespace",
                number: 9
            })
        );
    }

    #[test]
    fn broken_bodies_are_refused() {
        let good = body("v1", "Namespace", &field(1, &field(1, b"n")));
        assert!(from_protobuf(&good).is_ok());
        for length in 0..good.len() - 4 {
            assert!(from_protobuf(&good[..length]).is_err(), "{length}");
        }
        assert_eq!(from_protobuf(b"{}"), Err(ProtobufError::NoMagic));
        let endless = [MAGIC, &[0xff; 64]].concat();
        assert_eq!(from_protobuf(&endless), Err(ProtobufError::Malformed));
    }
}
