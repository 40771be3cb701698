//! Carrying out what a probe or a hook asks for.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::container::Container;
use super::exec;
use crate::internal::spec::Exit;
use crate::pod::probe::Handler;

/// Where a handler is carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) executable: &'a Path,
    pub(crate) container: &'a Container,
    /// The pod's address, used when the handler names no host.
    pub(crate) address: IpAddr,
}

/// Carries out a handler; the error says what went wrong, in a kubelet's words where it has some.
pub(crate) async fn run(
    handler: &Handler,
    target: Target<'_>,
    limit: Duration,
) -> Result<(), String> {
    let work = async {
        match handler {
            Handler::Http {
                host,
                port,
                path,
                headers,
            } => {
                let host = host_or(host, target.address);
                get(&host, *port, path, headers).await
            }
            Handler::Tcp { host, port } => connect(&host_or(host, target.address), *port)
                .await
                .map(drop),
            Handler::Exec(command) => run_command(command, target, limit).await,
            Handler::Sleep(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Handler::Unsupported(message) => Err(message.clone()),
        }
    };
    // A command ends its own process when its time is up; give it the chance to.
    let patience = match handler {
        Handler::Exec(_) => limit.saturating_add(Duration::from_secs(1)),
        _ => limit,
    };
    tokio::time::timeout(patience, work)
        .await
        .unwrap_or_else(|_| Err(format!("timed out after {limit:?}")))
}

fn host_or(host: &str, address: IpAddr) -> String {
    if host.is_empty() {
        address.to_string()
    } else {
        host.to_owned()
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| {
        format!(
            "dial tcp {}: connect: {}",
            authority(host, port),
            lowercase(&error)
        )
    })
}

/// A GET request; any status from 200 to 399 is a success, as for a kubelet.
async fn get(
    host: &str,
    port: u16,
    path: &str,
    headers: &[(String, String)],
) -> Result<(), String> {
    let url = format!("http://{}{path}", authority(host, port));
    let failed = |reason: String| format!("Get {url:?}: {reason}");
    let stream = connect(host, port).await.map_err(failed)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(error.to_string()))?;
    // Ends with the request; its failure shows up there.
    let connection = tokio::spawn(connection);
    let mut request = http::Request::get(path);
    let given = |name: &str| {
        headers
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    };
    for (name, value) in [
        ("Host", authority(host, port).as_str()),
        ("User-Agent", "kube-probe/1.36"),
        ("Accept", "*/*"),
    ] {
        if !given(name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(error.to_string()))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| failed(error.to_string()));
    connection.abort();
    let status = response?.status().as_u16();
    if (200..400).contains(&status) {
        Ok(())
    } else {
        Err(format!("HTTP probe failed with statuscode: {status}"))
    }
}

async fn run_command(
    command: &[String],
    target: Target<'_>,
    limit: Duration,
) -> Result<(), String> {
    let output = exec::run(target.executable, target.container, command.to_vec(), limit)
        .await
        .map_err(|error| error.to_string())?;
    match output.exit {
        Exit::Code(0) => Ok(()),
        exit => Err(match output.text.trim_end() {
            "" => format!("command {command:?} exited with {}", exit.code()),
            text => text.to_owned(),
        }),
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The operating system's message without its number, as other programs print it.
fn lowercase(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or(&text)
        .to_lowercase()
}
