//! The HTTPS listener: accepts connections, finds out who is asking, serves the router.
//!
//! A client that says nothing can hold a connection only so long: the handshake, and every request
//! head, has a deadline, and there is a limit on connections.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::identity::Identity;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long written data may stay unread by the peer.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_CONNECTIONS: usize = 4096;
const BACKLOG: i32 = 1024;
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_STREAMS_PER_CONNECTION: u32 = 250;
/// After this long without anything, an HTTP/2 client is asked whether it is still there.
const PING_PERIOD: Duration = Duration::from_secs(30);
/// A pause after an accept that failed (as for want of file descriptors), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound socket and what is needed to serve on it.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: TlsAcceptor,
    pub(crate) router: Router,
    /// Shared by all listeners of a server.
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
}

/// Binds a TCP port.
///
/// With `in_advance` the address need not exist yet (`IP_FREEBIND`): the bridge that pods reach the
/// server on is made by the node, which needs the server first.
pub(crate) fn bind(address: SocketAddr, in_advance: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    match address {
        SocketAddr::V4(_) => socket.set_freebind_v4(in_advance)?,
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_freebind_v6(in_advance)?;
        }
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The limit on open connections of one server.
pub(crate) fn connection_limit() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_CONNECTIONS))
}

impl Listener {
    /// Serves until shutdown, then lets requests under way finish.
    pub(crate) async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => break,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match self.connections.clone().try_acquire_owned() {
                    Ok(permit) => {
                        let (tls, router) = (self.tls.clone(), self.router.clone());
                        let shutdown = self.shutdown.clone();
                        connections.spawn(async move {
                            serve(stream, peer, tls, router, shutdown).await;
                            drop(permit);
                        });
                    }
                    Err(_) => tracing::warn!(%peer, "too many connections: refused one"),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        while connections.join_next().await.is_some() {}
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: TlsAcceptor,
    router: Router,
    shutdown: CancellationToken,
) {
    if let Err(error) = set_options(&stream) {
        return tracing::debug!(%peer, %error, "a socket option could not be set");
    }
    let stream = match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => return tracing::debug!(%peer, "TLS handshake took too long"),
    };
    let identity = identity_of(&stream);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(identity) = &identity {
            request.extensions_mut().insert(identity.clone());
        }
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_PERIOD)
        .keep_alive_timeout(HEAD_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX));
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "connection ended");
    }
}

/// Small answers leave at once, and a peer that takes nothing any longer is given up.
fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_user_timeout(Some(STALL_TIMEOUT))
}

/// The identity that a verified client certificate gives.
fn identity_of(stream: &TlsStream<TcpStream>) -> Option<Identity> {
    let (_, session) = stream.get_ref();
    Identity::of_certificate(session.peer_certificates()?.first()?)
}
