//! The verbs on objects, written once for all kinds.

mod binding;
mod container;
mod create;
mod delete;
mod delete_collection;
mod deletion;
mod exec;
mod json_patch;
mod list;
mod log;
mod metadata;
mod modify;
mod patch;
mod read;
mod revision;
mod scale;
mod update;
mod watch;

use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, Request, StatusCode, header};

use crate::{
    api::Api,
    error::ApiError,
    kinds::Kind,
    request::{FieldValidation, ObjectPath},
    respond::View,
    storage::Raw,
};

pub(crate) use self::{
    create::create,
    metadata::{decode, timestamp},
    update::replace,
};

/// What a write left behind.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) raw: Raw,
    /// What the user should know although the write was accepted.
    pub(crate) warnings: Vec<String>,
}

/// Finds the handler for a method on a path.
pub(crate) async fn dispatch(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let method = request.method().clone();
    if let Some(subresource) = path.subresource.clone() {
        if !path.kind.subresources().contains_key(subresource.as_str()) {
            return Err(ApiError::NoSuchResource);
        }
        return dispatch_subresource(api, path, &subresource, &method, request).await;
    }
    match (path.name.is_some(), method) {
        (false, Method::GET) => read::list_or_watch(api, path, request).await,
        (false, Method::POST) => create::answer(api, path, request).await,
        (false, Method::DELETE) => delete_collection::answer(api, path, request).await,
        (true, Method::GET) => read::get(api, path, request).await,
        (true, Method::PUT) => update::answer(api, path, modify::Part::Main, request).await,
        (true, Method::PATCH) => patch::answer(api, path, modify::Part::Main, request).await,
        (true, Method::DELETE) => delete::answer(api, path, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

async fn dispatch_subresource(
    api: &Api,
    path: ObjectPath,
    subresource: &str,
    method: &Method,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    match (subresource, method) {
        ("status", &Method::GET) => read::get(api, path, request).await,
        ("status", &Method::PUT) => update::answer(api, path, modify::Part::Status, request).await,
        ("status", &Method::PATCH) => patch::answer(api, path, modify::Part::Status, request).await,
        ("finalize", &Method::PUT) => {
            update::answer(api, path, modify::Part::NamespaceFinalizers, request).await
        }
        ("scale", &Method::GET) => scale::get(api, &path, request.headers()).await,
        ("scale", &Method::PUT) => scale::update(api, path, request).await,
        ("scale", &Method::PATCH) => scale::patch(api, path, request).await,
        ("binding", &Method::POST) => binding::bind(api, path, request).await,
        ("eviction", &Method::POST) => binding::evict(api, path, request).await,
        ("exec", &Method::GET | &Method::POST) => exec::answer(api, path, request).await,
        ("log", &Method::GET) => log::answer(api, path, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

/// The name in the path; only called where [`dispatch`] has seen one.
fn name_of(path: &ObjectPath) -> Result<&str, ApiError> {
    path.name.as_deref().ok_or(ApiError::MethodNotAllowed)
}

/// The answer to a write.
fn written_response(
    view: &View,
    status: StatusCode,
    written: &Written,
) -> Result<Response, ApiError> {
    let response = view.object_response(status, &written.raw)?;
    Ok(with_warnings(response, &written.warnings))
}

/// Adds `Warning` headers, which kubectl prints.
fn with_warnings(mut response: Response, warnings: &[String]) -> Response {
    for warning in warnings {
        let quoted = warning.replace('\\', r"\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// What becomes of unknown fields.
fn judge_unknown(
    validation: FieldValidation,
    unknown: &[String],
    kind: &Kind,
) -> Result<Vec<String>, ApiError> {
    let texts = unknown
        .iter()
        .map(|path| format!("unknown field \"{path}\""));
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(texts.collect()),
        FieldValidation::Strict if unknown.is_empty() => Ok(Vec::new()),
        FieldValidation::Strict => Err(ApiError::BadRequest(format!(
            "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
            kind.kind,
            kind.version,
            kind.kind,
            texts.collect::<Vec<_>>().join(", "),
        ))),
    }
}
