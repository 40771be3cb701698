//! Which objects of a collection are wanted: label selectors and field selectors.

mod fields;
mod labels;

use serde_json::Value;

use self::{fields::FieldSelector, labels::LabelSelector};
use crate::{
    error::ApiError,
    kinds::Kind,
    request::ListOptions,
    storage::{Raw, name_of},
};

/// Both selectors of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selector {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selector {
    /// Reads the selectors of a request.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] for a selector that can't be read, or a field that the kind can't
    /// be selected by.
    pub(crate) fn of(kind: &Kind, options: &ListOptions) -> Result<Self, ApiError> {
        let labels = LabelSelector::parse(options.label_selector.as_deref().unwrap_or_default())
            .map_err(|error| ApiError::BadRequest(error.to_string()))?;
        let fields = FieldSelector::parse(
            options.field_selector.as_deref().unwrap_or_default(),
            kind.selectable,
        )
        .map_err(|error| ApiError::BadRequest(error.to_string()))?;
        Ok(Self { labels, fields })
    }

    /// The one name that can match, if the selector pins it: such a collection is one key.
    pub(crate) fn pinned_name(&self) -> Option<&str> {
        self.fields.required("metadata.name")
    }

    /// Likewise for the namespace.
    pub(crate) fn pinned_namespace(&self) -> Option<&str> {
        self.fields.required("metadata.namespace")
    }

    /// Whether an object is wanted. Its bytes are parsed only as far as the selectors ask.
    pub(crate) fn matches(&self, kind: &Kind, key: &str, raw: &Raw) -> Result<bool, ApiError> {
        let Some((namespace, name)) = name_of(kind, key) else {
            return Ok(false);
        };
        if !self.fields.match_identity(namespace, name) {
            return Ok(false);
        }
        if !self.labels.is_empty() && !self.labels.matches_bytes(&raw.bytes)? {
            return Ok(false);
        }
        if !self.fields.reads_content() {
            return Ok(true);
        }
        let mut object: Value = serde_json::from_slice(&raw.bytes).map_err(|error| {
            ApiError::Internal(format!("a stored object can't be read: {error}"))
        })?;
        if let Some(conversion) = &kind.conversion {
            object = (conversion.to_served)(object);
        }
        Ok(self.fields.match_content(&object))
    }
}
