//! One HTTP call over a connection of its own, as a stranger's client would make it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The longest body that is read: the answer is a pod's name.
const MOST_BYTES: usize = 4096;

/// Calls an address and gives what answered.
pub(crate) async fn call(address: SocketAddr, host: &str) -> anyhow::Result<String> {
    tokio::time::timeout(Duration::from_secs(5), exchange(address, host))
        .await
        .with_context(|| format!("no answer from {address} within 5 s"))?
}

async fn exchange(address: SocketAddr, host: &str) -> anyhow::Result<String> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("no connection to {address}"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/")
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
    connection.abort();
    let text = match body {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).trim().to_owned(),
        Err(error) => bail!("{address} broke off its answer: {error}"),
    };
    match status {
        StatusCode::OK => Ok(text),
        other => bail!("{address} answered {other}: {text}"),
    }
}
