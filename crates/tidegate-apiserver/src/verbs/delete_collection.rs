//! Deleting every object of a collection that the selectors match.

use axum::{body::Body, response::Response};
use http::Request;

use super::{
    delete::{Deleted, delete},
    list::list,
};
use crate::{
    api::Api,
    error::ApiError,
    object,
    request::{DeleteOptions, ListOptions, ObjectPath, read_optional},
    respond::{ListAnswer, View, list_response},
    selector::Selector,
    storage::{Raw, encode},
};

pub(super) async fn answer(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    if path.kind.namespaced && path.namespace.is_none() {
        return Err(ApiError::MethodNotAllowed);
    }
    let list_options = ListOptions::of(request.uri())?;
    let query = DeleteOptions::of(request.uri())?;
    let view = View::of(path.kind, request.headers(), None)?;
    let selector = Selector::of(path.kind, &list_options)?;
    let (parts, body) = request.into_parts();
    let options = read_optional::<DeleteOptions>(&parts.headers, body)
        .await?
        .or(query);
    let found = list(api, &path, &selector, &list_options).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for raw in found.items {
        let name = object::name(&raw.parse()?).to_owned();
        match delete(api, &path, &name, &options).await {
            Ok(Deleted::Pending(raw)) => items.push(raw),
            Ok(Deleted::Gone(last)) => {
                items.push(Raw {
                    bytes: encode(&last.object),
                    revision: last.revision,
                });
            }
            // Somebody else was faster.
            Err(ApiError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    list_response(
        &view,
        ListAnswer {
            items,
            continue_token: None,
            ..found
        },
    )
}
