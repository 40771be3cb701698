//! `pods/log`: passing on what the node knows.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use http::{HeaderValue, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use super::{container::container_of, modify::read, name_of};
use crate::{
    api::Api,
    error::ApiError,
    pod_access::{LogOptions, PodAccessError},
    request::{LogQuery, ObjectPath},
};

pub(super) async fn answer(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let query = LogQuery::of(request.uri())?;
    let name = name_of(&path)?;
    let stored = read(api, &path, name).await?;
    let container = container_of(&stored.object, name, query.container.as_deref())?;
    let options = options_of(&query, Timestamp::now())?;
    let log = api
        .pods
        .logs(path.namespace_or_empty(), name, &container, options)
        .await
        .map_err(failed)?;
    let log = log.take_until(api.shutdown.clone().cancelled_owned());
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))];
    Ok((StatusCode::OK, content_type, Body::from_stream(log)).into_response())
}

pub(super) fn failed(error: PodAccessError) -> ApiError {
    match error {
        PodAccessError::UnknownPod { .. } | PodAccessError::NotReady(_) => {
            ApiError::BadRequest(error.to_string())
        }
        PodAccessError::Io(_) | PodAccessError::NotExecuted { .. } | PodAccessError::Failed(_) => {
            ApiError::Internal(error.to_string())
        }
    }
}

fn options_of(query: &LogQuery, now: Timestamp) -> Result<LogOptions, ApiError> {
    let since = match (query.since_seconds, query.since_time.as_deref()) {
        (Some(_), Some(_)) => {
            return Err(ApiError::BadRequest(
                "at most one of `sinceTime` or `sinceSeconds` may be specified".to_owned(),
            ));
        }
        (Some(seconds), None) => {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            Some(
                now.checked_sub(SignedDuration::from_secs(seconds))
                    .unwrap_or(Timestamp::MIN),
            )
        }
        (None, Some(text)) => Some(text.parse().map_err(|_| {
            ApiError::BadRequest(format!("sinceTime {text:?} is not an RFC 3339 time"))
        })?),
        (None, None) => None,
    };
    Ok(LogOptions {
        follow: query.follow,
        previous: query.previous,
        timestamps: query.timestamps,
        since,
        tail_lines: query.tail_lines,
        limit_bytes: query.limit_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_an_age() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().expect("a time");
        let aged = LogQuery {
            since_seconds: Some(60),
            ..LogQuery::default()
        };
        let options = options_of(&aged, now).expect("options");
        assert_eq!(options.since, "2026-01-01T00:00:00Z".parse().ok());
        let both = LogQuery {
            since_time: Some("x".into()),
            ..aged
        };
        assert!(options_of(&both, now).is_err());
    }
}
