//! What can go wrong with a request, and the `Status` object that the client sees for it.
//!
//! Every failure of a handler is an [`ApiError`]. Its `Display` is the message of the `Status`, in
//! the words that Kubernetes clients know (some of them match on those words). Only this module
//! knows which HTTP code and which `reason` belong to a failure.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    ListMeta, Status, StatusCause, StatusDetails,
};

use tidegate_model::objects::{Cause, Invalid};

use crate::kinds::Kind;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// There is no object of that name. `resource` is the plural, with the group unless it is core.
    #[error("{} \"{name}\" not found", .resource.qualified())]
    NotFound { resource: Resource, name: String },
    /// No handler for this path.
    #[error("the server could not find the requested resource")]
    NoSuchResource,
    /// A create met an object of the same name.
    #[error("{} \"{name}\" already exists", .resource.qualified())]
    AlreadyExists { resource: Resource, name: String },
    /// The object changed since the client read it, or a precondition does not hold.
    #[error("Operation cannot be fulfilled on {} \"{name}\": {why}", .resource.qualified())]
    Conflict {
        resource: Resource,
        name: String,
        why: String,
    },
    /// The object breaks a rule; one cause per broken rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The request itself makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// The client did not say who it is.
    #[error("Unauthorized")]
    Unauthorized,
    /// The request is understood and refused.
    #[error("{} \"{name}\" is forbidden: {why}", .resource.qualified())]
    Forbidden {
        resource: Resource,
        name: String,
        why: String,
        cause: Option<Box<StatusCause>>,
    },
    /// The path exists, the verb does not.
    #[error("the server does not allow this method on the requested resource")]
    MethodNotAllowed,
    /// None of the representations in `Accept` can be given.
    #[error("only the following media types are accepted: application/json, application/yaml")]
    NotAcceptable,
    /// The body is in a form that can't be read.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The body is larger than the limit.
    #[error("the request body is larger than {limit} bytes; send smaller objects")]
    TooLarge { limit: usize },
    /// The body did not arrive in time.
    #[error("the body of the request did not arrive in time")]
    SlowBody,
    /// The wanted revision is no longer in the store's history; the client lists again.
    #[error("{0}")]
    Expired(String),
    /// A limit on open requests is reached; the client may try again later.
    #[error("{0}")]
    TooManyRequests(String),
    /// A part that this request needs (a node, the store) can't answer now.
    #[error("{0}")]
    Unavailable(String),
    /// A fault on this side.
    #[error("Internal error occurred: {0}")]
    Internal(String),
}

/// The group and plural that an error speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: &'static str,
    pub(crate) plural: &'static str,
}

impl Resource {
    fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }
}

impl ApiError {
    pub(crate) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::NotFound {
            resource: kind.resource(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn conflict(kind: &Kind, name: &str, why: impl Into<String>) -> Self {
        Self::Conflict {
            resource: kind.resource(),
            name: name.to_owned(),
            why: why.into(),
        }
    }

    /// The conflict of optimistic locking, in the words that clients print.
    pub(crate) fn modified(kind: &Kind, name: &str) -> Self {
        Self::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::AlreadyExists {
            resource: kind.resource(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let (resource, name) = (kind.resource(), name.to_owned());
        Self::Forbidden {
            resource,
            name,
            why: why.to_owned(),
            cause: None,
        }
    }

    pub(crate) fn invalid(kind: &Kind, name: &str, causes: Vec<Cause>) -> Self {
        Self::Invalid(Invalid {
            group: kind.group.to_owned(),
            kind: kind.kind.to_owned(),
            name: name.to_owned(),
            causes,
        })
    }

    /// A revision that has left the history.
    pub(crate) fn too_old(wanted: u64, oldest: u64) -> Self {
        Self::Expired(format!("too old resource version: {wanted} ({oldest})"))
    }

    /// The body that the client gets for this error.
    pub(crate) fn to_status(&self) -> Status {
        let (code, reason) = self.code();
        Status {
            metadata: ListMeta::default(),
            status: Some("Failure".to_owned()),
            message: Some(self.to_string()),
            reason: Some(reason.to_owned()),
            details: self.details(),
            code: Some(i32::from(code.as_u16())),
        }
    }

    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound { .. } | Self::NoSuchResource => (StatusCode::NOT_FOUND, "NotFound"),
            Self::AlreadyExists { .. } => (StatusCode::CONFLICT, "AlreadyExists"),
            Self::Conflict { .. } => (StatusCode::CONFLICT, "Conflict"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequest"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "NotAcceptable"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType")
            }
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "Timeout"),
            Self::Expired(_) => (StatusCode::GONE, "Expired"),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        }
    }

    fn details(&self) -> Option<StatusDetails> {
        let of = |resource: &Resource, name: &String| StatusDetails {
            name: Some(name.clone()),
            group: (!resource.group.is_empty()).then(|| resource.group.to_owned()),
            kind: Some(resource.plural.to_owned()),
            ..StatusDetails::default()
        };
        match self {
            Self::NotFound { resource, name }
            | Self::AlreadyExists { resource, name }
            | Self::Conflict { resource, name, .. } => Some(of(resource, name)),
            Self::Forbidden {
                resource,
                name,
                cause,
                ..
            } => Some(StatusDetails {
                causes: cause.as_ref().map(|cause| vec![(**cause).clone()]),
                ..of(resource, name)
            }),
            Self::Invalid(invalid) => Some(StatusDetails {
                name: Some(invalid.name.clone()),
                group: (!invalid.group.is_empty()).then(|| invalid.group.clone()),
                kind: Some(invalid.kind.clone()),
                causes: Some(invalid.causes.iter().map(status_cause).collect()),
                ..StatusDetails::default()
            }),
            Self::TooManyRequests(_) | Self::Unavailable(_) => Some(StatusDetails {
                retry_after_seconds: Some(RETRY_AFTER_SECONDS),
                ..StatusDetails::default()
            }),
            Self::Internal(message) => Some(StatusDetails {
                causes: Some(vec![StatusCause {
                    message: Some(message.clone()),
                    ..StatusCause::default()
                }]),
                ..StatusDetails::default()
            }),
            _ => None,
        }
    }
}

/// What a client that was turned away is asked to wait; client-go obeys it.
const RETRY_AFTER_SECONDS: i32 = 1;

fn status_cause(cause: &Cause) -> StatusCause {
    StatusCause {
        reason: Some(cause.reason.as_str().to_owned()),
        message: Some(cause.message.clone()),
        field: Some(cause.field.clone()),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (code, _) = self.code();
        if code.is_server_error() {
            tracing::warn!(code = code.as_u16(), error = %self, "request failed");
        }
        let mut response = (code, axum::Json(self.to_status())).into_response();
        if matches!(self, Self::TooManyRequests(_) | Self::Unavailable(_)) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}
