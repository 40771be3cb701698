//! Reading: get, list and watch, as far as these are alike.

use axum::{body::Body, response::Response};
use http::{Request, StatusCode};

use super::{list::list, name_of, watch::watch};
use crate::{
    api::Api,
    error::ApiError,
    request::{ListOptions, ObjectPath},
    respond::{View, list_response},
    selector::Selector,
};

pub(super) async fn get(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let options = ListOptions::of(request.uri())?;
    let view = View::of(
        path.kind,
        request.headers(),
        options.include_object.as_deref(),
    )?;
    let name = name_of(&path)?;
    let raw = api
        .objects
        .raw(path.kind, path.namespace_or_empty(), name)
        .await?
        .ok_or_else(|| ApiError::not_found(path.kind, name))?;
    view.object_response(StatusCode::OK, &raw)
}

pub(super) async fn list_or_watch(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let options = ListOptions::of(request.uri())?;
    let view = View::of(
        path.kind,
        request.headers(),
        options.include_object.as_deref(),
    )?;
    let selector = Selector::of(path.kind, &options)?;
    if options.watch {
        return watch(api, &path, view, selector, &options).await;
    }
    let answer = list(api, &path, &selector, &options).await?;
    list_response(&view, answer)
}
