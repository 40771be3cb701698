//! Shows objects as tables, YAML or JSON.

use http::Method;
use serde_json::Value;

use crate::connect::Connection;
use crate::resource::percent_encode;
use crate::{ClientError, Kind, Resource, table};

/// How objects are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A table of the usual columns.
    #[default]
    Table,
    /// A table of all columns.
    Wide,
    /// The objects as YAML.
    Yaml,
    /// The objects as JSON.
    Json,
}

/// Which objects to show, and how.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// The namespace, or `None` for all.
    pub namespace: Option<String>,
    /// One object, or all of them.
    pub name: Option<String>,
    /// Only objects with these labels.
    pub selector: Option<String>,
    /// How to show them.
    pub format: Format,
}

const AS_TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// The objects as text, ready to print.
///
/// # Errors
/// The object isn't there, the server refuses or doesn't answer.
pub async fn get(
    connection: &Connection,
    kind: &Kind,
    options: &GetOptions,
) -> Result<String, ClientError> {
    let resource = Resource::new(kind, options.namespace.as_deref());
    let mut path = resource.path(options.name.as_deref());
    if let Some(selector) = &options.selector {
        path = format!("{path}?labelSelector={}", percent_encode(selector));
    }
    let accept = match options.format {
        Format::Table | Format::Wide => AS_TABLE,
        Format::Yaml | Format::Json => "application/json",
    };
    let answer: Value = connection.send(Method::GET, &path, accept, None).await?;
    let bad = |error: String| ClientError::BadAnswer(error);
    match options.format {
        Format::Table | Format::Wide => {
            let with_namespace = kind.namespaced && options.namespace.is_none();
            let answer = serde_json::from_value(answer).map_err(|error| bad(error.to_string()))?;
            let text = table::print(&answer, options.format == Format::Wide, with_namespace);
            Ok(match (text.is_empty(), &options.namespace) {
                (true, Some(namespace)) if kind.namespaced => {
                    format!("No {} in namespace {namespace}.\n", kind.plural)
                }
                (true, _) => format!("No {}.\n", kind.plural),
                (false, _) => text,
            })
        }
        Format::Yaml => serde_saphyr::to_string(&answer).map_err(|error| bad(error.to_string())),
        Format::Json => Ok(format!("{answer:#}\n")),
    }
}
