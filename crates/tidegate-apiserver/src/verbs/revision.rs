//! Which moment a list or watch is to show: `resourceVersion` and how it is to be taken.

use tidegate_model::objects::{Cause, FieldPath, Invalid};
use tidegate_store::Revision;

use crate::{api::Api, error::ApiError, request::ListOptions};

/// The revision that a request names; `None` if it leaves the choice to the server.
fn wanted(options: &ListOptions) -> Result<Option<Revision>, ApiError> {
    match options.resource_version.as_deref() {
        // By convention 0 means "any": the newest serves.
        None | Some("" | "0") => Ok(None),
        Some(text) => text.parse().map(Revision).map(Some).map_err(|_| {
            let path = FieldPath::root("resourceVersion");
            invalid(Cause::invalid(&path, text, "must be a number"))
        }),
    }
}

/// The wanted revision, which this store has reached.
///
/// # Errors
/// [`ApiError::Expired`] for a revision ahead of the store's: the client has seen another store
/// (whose data is gone), and begins anew.
pub(super) fn wanted_and_reached(
    api: &Api,
    options: &ListOptions,
) -> Result<Option<Revision>, ApiError> {
    let newest = api.objects.revision();
    match wanted(options)? {
        Some(wanted) if wanted > newest => Err(ApiError::Expired(format!(
            "Too large resource version: {wanted}, current: {newest}; list again to see the present state"
        ))),
        wanted => Ok(wanted),
    }
}

/// Options of a list or watch that don't go together.
pub(super) fn invalid(cause: Cause) -> ApiError {
    ApiError::Invalid(Invalid {
        group: "meta.k8s.io".to_owned(),
        kind: "ListOptions".to_owned(),
        name: String::new(),
        causes: vec![cause],
    })
}
