//! `serve_hostname`: answers every request with the name of the pod.
//!
//! Flags and answers follow the test image of the same name (`agnhost serve-hostname`): HTTP unless
//! `--http=false`, plain TCP with `--tcp`, UDP with `--udp`, all on `--port` (9376). TCP and HTTP
//! exclude each other, since they share the port.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONNECTION;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UdpSocket};

use super::flags::{Flags, Kind};
use super::shutdown::Starting;
use super::{ImageError, host_name, http, log, udp};

const FLAGS: [(&str, Kind); 5] = [
    ("port", Kind::Value),
    ("http", Kind::Switch),
    ("tcp", Kind::Switch),
    ("udp", Kind::Switch),
    ("close", Kind::Switch),
];

pub(super) async fn run(args: &[String], starting: Starting) -> Result<ExitCode, ImageError> {
    let flags = Flags::parse(args, &FLAGS)?;
    let port: u16 = flags.get("port", 9376)?;
    let plain_tcp = flags.get("tcp", false)?;
    let with_http = flags.get("http", true)? && !plain_tcp;
    let with_udp = flags.get("udp", false)?;
    let close = flags.get("close", false)?;
    let name = host_name()?;

    let stream = (plain_tcp || with_http)
        .then(|| http::listen(port))
        .transpose()?;
    let datagrams = with_udp.then(|| udp::bind(port)).transpose()?;
    let signals = starting.up();
    log(&format!("Serving on port {port}."));
    let streams = async {
        match stream {
            Some(listener) if plain_tcp => serve_tcp(listener, &name).await,
            Some(listener) => serve_http(listener, name.clone(), close).await,
            None => std::future::pending().await,
        }
    };
    let server = async {
        tokio::select! {
            result = streams => result,
            never = answer_datagrams(datagrams, &name) => match never {},
        }
    };
    signals.serve(server, Duration::ZERO).await
}

async fn serve_http(
    listener: TcpListener,
    name: String,
    close: bool,
) -> Result<ExitCode, ImageError> {
    let router = Router::new().fallback(move || {
        let name = name.clone();
        async move {
            let connection = if close { "close" } else { "keep-alive" };
            ([(CONNECTION, connection)], name)
        }
    });
    http::serve(listener, router).await
}

async fn serve_tcp(listener: TcpListener, name: &str) -> Result<ExitCode, ImageError> {
    loop {
        let (mut connection, _) = listener.accept().await?;
        let line = format!("{name}\n");
        tokio::spawn(async move {
            // A caller that hangs up early does not want the answer.
            let _ = connection.write_all(line.as_bytes()).await;
        });
    }
}

async fn answer_datagrams(socket: Option<UdpSocket>, name: &str) -> Infallible {
    match socket {
        Some(socket) => udp::serve(socket, |_, _| Some(name.to_owned())).await,
        None => std::future::pending().await,
    }
}
