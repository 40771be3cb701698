//! A server on a store in a temporary directory, and short ways to call it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_apiserver::{
    Config, ExecProcess, ExecRequest, LogOptions, LogStream, PodAccess, PodAccessError, Server,
};
use tidegate_store::{Options, RedbStore};

/// A running server. Its data goes when it is dropped.
pub(crate) struct Cluster {
    pub(crate) server: Server,
    pub(crate) client: kube::Client,
    pub(crate) data: TempDir,
}

/// A node without pods that answers every request for a log with one line.
pub(crate) struct NoPods;

impl PodAccess for NoPods {
    fn logs<'a>(
        &'a self,
        _namespace: &'a str,
        pod: &'a str,
        container: &'a str,
        options: LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>> {
        let line = format!(
            "hello from {pod}/{container} tail={:?}\n",
            options.tail_lines
        );
        async move { Ok(stream::iter([Ok(Bytes::from(line))]).boxed()) }.boxed()
    }

    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _: &'a str,
        _: ExecRequest,
    ) -> BoxFuture<'a, Result<ExecProcess, PodAccessError>> {
        Box::pin(async move {
            Err(PodAccessError::UnknownPod {
                namespace: namespace.to_owned(),
                pod: pod.to_owned(),
            })
        })
    }
}

pub(crate) fn config(data: &TempDir) -> Config {
    let advertise: SocketAddr = "192.0.2.1:6443".parse().unwrap();
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Config::new(data.path(), advertise)
    }
}

pub(crate) async fn start() -> Cluster {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Cluster {
    start_on(Options::default(), change).await
}

/// A server whose store is opened with options of the test's own.
pub(crate) async fn start_on(options: Options, change: impl FnOnce(&mut Config)) -> Cluster {
    let data = TempDir::new().unwrap();
    let store = Arc::new(RedbStore::open_with(data.path().join("store"), options).unwrap());
    let mut config = config(&data);
    change(&mut config);
    let server = Server::start(config, store, Arc::new(NoPods))
        .await
        .unwrap();
    Cluster {
        client: server.client(),
        server,
        data,
    }
}

impl Cluster {
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, "application/json", Value::Null)
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, "application/json", body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("PUT", path, "application/json", body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.call("DELETE", path, "application/json", Value::Null)
            .await
    }

    pub(crate) async fn merge(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("PATCH", path, "application/merge-patch+json", body)
            .await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Value,
    ) -> (u16, Value) {
        let (status, _, body) = self.raw(method, path, kind, "application/json", body).await;
        (status, body)
    }

    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        accept: &str,
        body: Value,
    ) -> (u16, http::HeaderMap, Value) {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("accept", accept)
            .body(Body::from(body))
            .unwrap();
        let response = self.client.send(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let value = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        (status, headers, value)
    }
}

/// The message of a Status.
pub(crate) fn message(status: &Value) -> &str {
    status["message"].as_str().unwrap_or_default()
}
