//! `agnhost netexec`: small questions over HTTP and UDP, for trying out networks.
//!
//! Paths and answers follow the test image: `/`, `/hostname` (and `/hostName`), `/clientip`,
//! `/echo?msg=&code=`, `/header?key=`, `/healthz`, `/exit?code=&timeout=`; over UDP `hostname`,
//! `clientip` and `echo <text>`. `/shell`, `/upload` and `/dial` are left out on purpose.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde::Deserialize;

use super::flags::{Flags, Kind};
use super::shutdown::Starting;
use super::{ImageError, host_name, http, log, udp};

const FLAGS: [(&str, Kind); 4] = [
    ("http-port", Kind::Value),
    ("udp-port", Kind::Value),
    ("sctp-port", Kind::Value),
    ("delay-shutdown", Kind::Value),
];

/// A negative port turns a server off, as upstream's `-1` does.
fn port(flags: &Flags, name: &str, default: i32) -> Result<Option<u16>, ImageError> {
    Ok(u16::try_from(flags.get(name, default)?).ok())
}

pub(super) async fn run(args: &[String], starting: Starting) -> Result<ExitCode, ImageError> {
    let flags = Flags::parse(args, &FLAGS)?;
    let http_port = port(&flags, "http-port", 8080)?;
    let udp_port = port(&flags, "udp-port", 8081)?;
    if port(&flags, "sctp-port", -1)?.is_some() {
        log("SCTP is not served by this build of netexec.");
    }
    let delay = Duration::from_secs(flags.get("delay-shutdown", 0)?);
    let name = host_name()?;

    let listener = http_port.map(http::listen).transpose()?;
    let socket = udp_port.map(udp::bind).transpose()?;
    let signals = starting.up();
    for (kind, port) in [("HTTP", http_port), ("UDP", udp_port)] {
        if let Some(port) = port {
            log(&format!("Started {kind} server on port {port}"));
        }
    }
    let (exit, exited) = tokio::sync::mpsc::channel(1);
    let http = async {
        match listener {
            Some(listener) => http::serve(listener, router(name.clone(), exit)).await,
            None => std::future::pending().await,
        }
    };
    let udp = async {
        match socket {
            Some(socket) => udp::serve(socket, |text, peer| answer(text, peer, &name)).await,
            None => std::future::pending().await,
        }
    };
    let server = async {
        tokio::select! {
            result = http => result,
            never = udp => match never {},
            code = asked_to_exit(exited) => Ok(code),
        }
    };
    signals.serve(server, delay).await
}

/// How `/exit` ends the program.
type ExitRequest = (u8, Duration);

async fn asked_to_exit(mut requests: tokio::sync::mpsc::Receiver<ExitRequest>) -> ExitCode {
    match requests.recv().await {
        Some((code, delay)) => {
            tokio::time::sleep(delay).await;
            ExitCode::from(code)
        }
        None => std::future::pending().await,
    }
}

#[derive(Debug, Deserialize)]
struct Echo {
    #[serde(default)]
    msg: String,
    code: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct ExitQuery {
    #[serde(default)]
    code: u8,
    /// A duration as Go writes it; whole seconds and milliseconds are understood.
    timeout: Option<String>,
}

#[derive(Debug, Deserialize)]
struct HeaderQuery {
    #[serde(default)]
    key: String,
}

fn router(name: String, exit: tokio::sync::mpsc::Sender<ExitRequest>) -> Router {
    let hostname = move || {
        let name = name.clone();
        async move { name }
    };
    Router::new()
        .route(
            "/",
            get(|| async { format!("NOW: {}", jiff::Zoned::now()) }),
        )
        .route("/hostname", get(hostname.clone()))
        .route("/hostName", get(hostname))
        .route("/healthz", get(|| async {}))
        .route(
            "/clientip",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
                http::plain(peer).to_string()
            }),
        )
        .route(
            "/echo",
            get(|Query(echo): Query<Echo>| async move { (echo.status(), echo.msg) }),
        )
        .route("/header", get(header))
        .route(
            "/exit",
            get(move |Query(query): Query<ExitQuery>| async move {
                // A second request finds the first one waiting.
                let _ = exit.try_send((query.code, query.delay()));
            }),
        )
}

impl Echo {
    fn status(&self) -> StatusCode {
        self.code
            .and_then(|code| StatusCode::from_u16(code).ok())
            .unwrap_or(StatusCode::OK)
    }
}

impl ExitQuery {
    fn delay(&self) -> Duration {
        let text = self.timeout.as_deref().unwrap_or("");
        let number = |suffix| text.strip_suffix(suffix).and_then(|n| n.parse().ok());
        if let Some(millis) = number("ms") {
            return Duration::from_millis(millis);
        }
        number("s").map_or(Duration::ZERO, Duration::from_secs)
    }
}

async fn header(Query(query): Query<HeaderQuery>, headers: HeaderMap) -> String {
    headers
        .get(&query.key)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_owned()
}

fn answer(request: &[u8], peer: SocketAddr, name: &str) -> Option<String> {
    let request = String::from_utf8_lossy(request);
    let request = request.trim();
    let (command, text) = request.split_once(' ').unwrap_or((request, ""));
    match command.to_ascii_lowercase().as_str() {
        "hostname" => Some(name.to_owned()),
        "clientip" => Some(peer.to_string()),
        "echo" => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_answers() {
        let peer = SocketAddr::from(([10, 0, 0, 9], 4711));
        let ask = |request: &str| answer(request.as_bytes(), peer, "pod-1");
        assert_eq!(ask("hostname\n").as_deref(), Some("pod-1"));
        assert_eq!(ask("hostName").as_deref(), Some("pod-1"));
        assert_eq!(ask("clientip").as_deref(), Some("10.0.0.9:4711"));
        assert_eq!(ask("echo a b").as_deref(), Some("a b"));
        assert_eq!(ask("reboot"), None);
        assert_eq!(answer(&[0xff, 0xfe], peer, "pod-1"), None);
    }

    #[test]
    fn exit_delays() {
        let delay = |timeout: &str| {
            ExitQuery {
                code: 0,
                timeout: Some(timeout.to_owned()),
            }
            .delay()
        };
        assert_eq!(delay("2s"), Duration::from_secs(2));
        assert_eq!(delay("150ms"), Duration::from_millis(150));
        assert_eq!(delay("soon"), Duration::ZERO);
    }
}
