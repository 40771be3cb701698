//! How one object is written: whole, as a row of a Table, or its metadata only.
//!
//! Whole objects in JSON are the common case and are never parsed on their way out.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::table;
use crate::{
    error::ApiError,
    kinds::Kind,
    request::{Encoding, Representation, Shape, negotiate},
    storage::Raw,
};

/// The shape in which a client wants the objects of a kind.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) kind: &'static Kind,
    representation: Representation,
    include: table::Include,
}

impl View {
    /// What the request's headers and query ask for.
    ///
    /// # Errors
    /// [`ApiError::NotAcceptable`], or an unknown value of `includeObject`.
    pub(crate) fn of(
        kind: &'static Kind,
        headers: &HeaderMap,
        include_object: Option<&str>,
    ) -> Result<Self, ApiError> {
        let representation = negotiate(headers)?;
        if representation.shape == Shape::AggregatedDiscovery {
            return Err(ApiError::NotAcceptable);
        }
        Ok(Self {
            kind,
            representation,
            include: table::Include::of(include_object)?,
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        self.representation.shape
    }

    /// Appends one object as JSON. A Table has one row; its columns are described if
    /// `with_columns` is set (a watch describes them once).
    pub(crate) fn write(
        &self,
        raw: &Raw,
        with_columns: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), ApiError> {
        if self.shape() == Shape::Object && self.kind.conversion.is_none() {
            return Ok(raw.write_to(out)?);
        }
        let object = self.served(raw)?;
        let shaped = match self.shape() {
            Shape::Table => {
                let metadata = json!({"resourceVersion": raw.revision.0.to_string()});
                self.table(&[object], with_columns, metadata)
            }
            Shape::Metadata => metadata_only(&object),
            Shape::Object | Shape::AggregatedDiscovery => object,
        };
        write_json(&shaped, out)
    }

    /// A whole list as one value, for the shapes that are not streamed.
    pub(crate) fn list_value(&self, items: &[Raw], metadata: Value) -> Result<Value, ApiError> {
        let objects = items
            .iter()
            .map(|raw| self.served(raw))
            .collect::<Result<Vec<_>, ApiError>>()?;
        Ok(match self.shape() {
            Shape::Table => self.table(&objects, true, metadata),
            Shape::Metadata => json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": objects.iter().map(metadata_only).collect::<Vec<_>>(),
            }),
            Shape::Object | Shape::AggregatedDiscovery => json!({
                "kind": format!("{}List", self.kind.kind), "apiVersion": self.kind.api_version(),
                "metadata": metadata, "items": objects,
            }),
        })
    }

    /// One object as a whole answer.
    pub(crate) fn object_response(
        &self,
        status: StatusCode,
        raw: &Raw,
    ) -> Result<Response, ApiError> {
        let mut body = Vec::new();
        self.write(raw, true, &mut body)?;
        self.finish(status, body)
    }

    /// A value that is already in its shape as a whole answer.
    pub(crate) fn value_response(&self, value: &Value) -> Result<Response, ApiError> {
        let mut body = Vec::new();
        write_json(value, &mut body)?;
        self.finish(StatusCode::OK, body)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.representation.encoding == Encoding::Json
    }

    fn finish(&self, status: StatusCode, body: Vec<u8>) -> Result<Response, ApiError> {
        encoded(self.representation.encoding, status, body)
    }

    fn table(&self, objects: &[Value], with_columns: bool, metadata: Value) -> Value {
        table::table(
            self.kind,
            objects,
            self.include,
            with_columns,
            metadata,
            Timestamp::now(),
        )
    }

    fn served(&self, raw: &Raw) -> Result<Value, ApiError> {
        let object = raw.parse()?;
        Ok(match &self.kind.conversion {
            Some(conversion) => (conversion.to_served)(object),
            None => object,
        })
    }
}

/// Writes a JSON body in the wanted encoding.
pub(crate) fn encoded(
    encoding: Encoding,
    status: StatusCode,
    json: Vec<u8>,
) -> Result<Response, ApiError> {
    let (content_type, body) = match encoding {
        Encoding::Json => ("application/json", json),
        Encoding::Yaml => {
            let value: Value = serde_json::from_slice(&json).map_err(|error| {
                ApiError::Internal(format!("an answer can't be read back: {error}"))
            })?;
            let yaml = serde_saphyr::to_string(&value).map_err(|error| {
                ApiError::Internal(format!("an answer can't be written as YAML: {error}"))
            })?;
            ("application/yaml", yaml.into_bytes())
        }
    };
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
    Ok((status, content_type, body).into_response())
}

/// The object as `PartialObjectMetadata`.
pub(super) fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_default(),
    })
}

fn write_json(value: &Value, out: &mut Vec<u8>) -> Result<(), ApiError> {
    serde_json::to_writer(out, value)
        .map_err(|error| ApiError::Internal(format!("an answer can't be written: {error}")))
}
