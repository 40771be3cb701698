//! A client that hears of objects late, as in a busy cluster.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http_body::Frame;
use http_body_util::{BodyStream, StreamBody};
use kube::Client;
use kube::client::Body;

type FrameResult = Result<Frame<Bytes>, kube::Error>;

/// Every event of a watch of all objects of a kind, as `/api/v1/pods`, comes `by` later than the
/// one before it, at the soonest.
pub(crate) fn events(client: Client, kind: &'static str, by: Duration) -> Client {
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let client = client.clone();
        async move {
            let query = request.uri().query().unwrap_or_default();
            let is_watch = request.uri().path() == kind && query.contains("watch=true");
            let response = client.send(request).await?;
            let by = if is_watch { by } else { Duration::ZERO };
            Ok::<_, kube::Error>(response.map(|body| slow(body, by)))
        }
    });
    Client::new(service, "default")
}

fn slow(body: Body, by: Duration) -> StreamBody<BoxStream<'static, FrameResult>> {
    let frames = BodyStream::new(body).then(move |frame| async move {
        if !by.is_zero() {
            tokio::time::sleep(by).await;
        }
        frame
    });
    StreamBody::new(frames.boxed())
}
