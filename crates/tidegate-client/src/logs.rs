//! What a pod's containers have printed.

use futures::io::AsyncBufRead;
use http::Request;

use crate::ClientError;
use crate::connect::Connection;
use crate::resource::percent_encode;

/// Which part of a log to read.
#[derive(Clone, Debug, Default)]
pub struct LogsOptions {
    /// The container; may be left out for pods with one.
    pub container: Option<String>,
    /// Go on as the container prints more.
    pub follow: bool,
    /// Only so many lines from the end.
    pub tail: Option<u64>,
    /// The log of the container's run before this one.
    pub previous: bool,
}

/// A pod's log, line by line as it comes.
///
/// # Errors
/// The pod isn't there, the server refuses or doesn't answer.
pub async fn logs(
    connection: &Connection,
    namespace: &str,
    pod: &str,
    options: &LogsOptions,
) -> Result<impl AsyncBufRead + use<>, ClientError> {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?follow={}&previous={}",
        percent_encode(namespace),
        percent_encode(pod),
        options.follow,
        options.previous
    );
    if let Some(container) = &options.container {
        path = format!("{path}&container={}", percent_encode(container));
    }
    if let Some(tail) = options.tail {
        path = format!("{path}&tailLines={tail}");
    }
    let request = Request::get(path)
        .body(Vec::new())
        .map_err(|error| ClientError::BadAnswer(error.to_string()))?;
    let stream = connection.client.request_stream(request).await;
    stream.map_err(|error| ClientError::from_kube(error, &connection.server))
}
