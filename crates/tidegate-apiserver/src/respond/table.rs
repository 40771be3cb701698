//! Tables: what `kubectl get` prints, computed on the server.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_model::table::printer;

use super::view::metadata_only;
use crate::{error::ApiError, kinds::Kind};

/// Which part of each object accompanies its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Include {
    Nothing,
    Metadata,
    Object,
}

impl Include {
    pub(super) fn of(text: Option<&str>) -> Result<Self, ApiError> {
        match text {
            None | Some("" | "Metadata") => Ok(Self::Metadata),
            Some("None") => Ok(Self::Nothing),
            Some("Object") => Ok(Self::Object),
            Some(other) => Err(ApiError::BadRequest(format!(
                "unrecognized includeObject value: {other:?}"
            ))),
        }
    }
}

/// A Table of the given objects; `now` is what ages are counted to.
pub(super) fn table(
    kind: &Kind,
    objects: &[Value],
    include: Include,
    with_columns: bool,
    metadata: Value,
    now: Timestamp,
) -> Value {
    let printer = printer(kind.group, kind.kind);
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut row = json!({"cells": printer.cells(object, now)});
            match include {
                Include::Nothing => {}
                Include::Object => row["object"] = object.clone(),
                Include::Metadata => row["object"] = metadata_only(object),
            }
            row
        })
        .collect();
    let columns = if with_columns { printer.columns } else { &[] };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns, "rows": rows,
    })
}
