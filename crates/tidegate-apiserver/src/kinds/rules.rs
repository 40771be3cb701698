//! The rules of a kind on generic JSON objects, made from functions on its Rust type.
//!
//! Handlers work on JSON because storing and serving does; rules are written on `k8s-openapi`
//! types because those are what `tidegate-model` checks. Decoding into the type and back also
//! drops unknown fields and refuses values of a wrong type, as upstream's decoder does.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tidegate_model::{objects::Invalid, service_api::ClaimChange};

use super::normalise::normalise_numbers;
use crate::{error::ApiError, services::ClusterView};

/// Defaults, preparation and validation of one kind.
pub(crate) trait Rules: Send + Sync {
    /// Reads an object as the client sent it, and fills in defaults.
    fn decode(&self, object: Value) -> Result<Decoded, DecodeError>;
    /// Makes a new object ready to be stored. Its metadata is complete.
    fn create(&self, object: Value, cluster: &ClusterView<'_>) -> Result<Admitted, Refusal>;
    /// Makes a changed object ready to be stored in place of the old one.
    fn update(
        &self,
        old: &Value,
        new: Value,
        cluster: &ClusterView<'_>,
    ) -> Result<Admitted, Refusal>;
    /// Makes an object ready of which only the status has changed.
    fn update_status(&self, old: &Value, new: Value) -> Result<Value, Refusal>;
    /// What the user should know although the object is accepted.
    fn warnings(&self, object: &Value) -> Result<Vec<String>, DecodeError>;
    /// What goes back to the cluster when the object is removed.
    fn held_by(&self, _object: &Value) -> Result<ClaimChange, DecodeError> {
        Ok(ClaimChange::default())
    }
}

/// A body that was read.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    /// Paths of the fields that the kind does not have, as `spec.ports[0].foo`.
    pub(crate) unknown: Vec<String>,
}

/// An object that may be stored.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) object: Value,
    /// What the object takes and gives back; stored in the same transaction.
    pub(crate) claims: ClaimChange,
}

/// A value that doesn't fit the type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DecodeError(#[from] serde_json::Error);

/// Why an object may not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The cluster can't, as when a range is full. Upstream's message, without its headline.
    #[error("{0}")]
    Cluster(String),
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Decode(error.into())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Decode(error) => error.into(),
            Refusal::Invalid(invalid) => Self::Invalid(invalid),
            Refusal::Cluster(message) => Self::Internal(message),
        }
    }
}

/// Past the first decoding, an object that its type refuses was made so by this server.
impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        Self::Internal(format!("an object can't be read by its own type: {error}"))
    }
}

/// Rules as plain functions; those that a kind doesn't set do nothing.
pub(super) struct TypedRules<T> {
    pub(super) default: fn(&mut T),
    pub(super) create: fn(&mut T) -> Result<(), Invalid>,
    pub(super) update: fn(&T, &mut T) -> Result<(), Invalid>,
    pub(super) update_status: fn(&T, &mut T) -> Result<(), Invalid>,
    pub(super) warnings: fn(&T) -> Vec<String>,
}

impl<T> Default for TypedRules<T> {
    fn default() -> Self {
        Self {
            default: |_| {},
            create: |_| Ok(()),
            update: |_, _| Ok(()),
            update_status: |_, _| Ok(()),
            warnings: |_| Vec::new(),
        }
    }
}

impl<T: Serialize + DeserializeOwned> Rules for TypedRules<T> {
    fn decode(&self, object: Value) -> Result<Decoded, DecodeError> {
        decode_with(object, self.default)
    }

    fn create(&self, object: Value, _cluster: &ClusterView<'_>) -> Result<Admitted, Refusal> {
        let mut typed: T = serde_json::from_value(object)?;
        (self.create)(&mut typed)?;
        Ok(Admitted {
            object: serde_json::to_value(typed)?,
            claims: ClaimChange::default(),
        })
    }

    fn update(
        &self,
        old: &Value,
        new: Value,
        _cluster: &ClusterView<'_>,
    ) -> Result<Admitted, Refusal> {
        let mut typed: T = serde_json::from_value(new)?;
        (self.update)(&T::deserialize(old)?, &mut typed)?;
        Ok(Admitted {
            object: serde_json::to_value(typed)?,
            claims: ClaimChange::default(),
        })
    }

    fn update_status(&self, old: &Value, new: Value) -> Result<Value, Refusal> {
        let mut typed: T = serde_json::from_value(new)?;
        (self.update_status)(&T::deserialize(old)?, &mut typed)?;
        Ok(serde_json::to_value(typed)?)
    }

    fn warnings(&self, object: &Value) -> Result<Vec<String>, DecodeError> {
        Ok((self.warnings)(&T::deserialize(object)?))
    }
}

/// Reads a client's object as a `T`, notes fields that `T` doesn't have, fills in defaults.
pub(crate) fn decode_with<T: Serialize + DeserializeOwned>(
    mut object: Value,
    default: fn(&mut T),
) -> Result<Decoded, DecodeError> {
    normalise_numbers(&mut object);
    let mut unknown = Vec::new();
    let mut typed: T = serde_ignored::deserialize(object, |path| unknown.push(dotted(&path)))?;
    default(&mut typed);
    Ok(Decoded {
        object: serde_json::to_value(typed)?,
        unknown,
    })
}

/// A path as upstream prints it: list positions in brackets.
fn dotted(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", dotted(parent)),
        Path::Map { parent, key } => match dotted(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => dotted(parent),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Pod, Service};
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        let rules = TypedRules::<Service>::default();
        let decoded = rules
            .decode(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"},
                "spec": {"foo": 1, "ports": [{"port": 80, "bar": {"deep": true}}]}
            }))
            .expect("decodes");
        assert_eq!(decoded.unknown, ["spec.foo", "spec.ports[0].bar"]);
        assert_eq!(decoded.object["spec"], json!({"ports": [{"port": 80}]}));
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        let rules = TypedRules::<Service>::default();
        let body = json!({"metadata": {}, "spec": {"ports": "eighty"}});
        assert!(rules.decode(body).is_err());
    }

    #[test]
    fn quantities_may_be_numbers() {
        let rules = TypedRules::<Pod>::default();
        let decoded = rules
            .decode(json!({"metadata": {}, "spec": {"containers": [
                {"name": "c", "resources": {"limits": {"cpu": 2, "memory": "1Gi"}}}
            ]}}))
            .expect("decodes");
        assert_eq!(
            decoded.object["spec"]["containers"][0]["resources"]["limits"],
            json!({"cpu": "2", "memory": "1Gi"})
        );
    }
}
