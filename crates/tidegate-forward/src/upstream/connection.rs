//! Queries over TCP and TLS.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Transport;
use super::exchange::ExchangeError;
use super::query::Query;
use crate::counters::UpstreamCounters;

/// An open connection to a server.
pub(super) type Connection = Box<dyn Stream>;

/// What a connection can do, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// Asks over a connection that is open already, or else over a new one.
///
/// A server may close a connection whenever it is idle: when one that was open fails, that says
/// nothing about the server, and the next one is tried.
pub(super) async fn ask(
    transport: &Transport,
    counters: &UpstreamCounters,
    query: &Query,
) -> Result<Vec<u8>, ExchangeError> {
    while let Some(mut connection) = transport.pool.take() {
        match converse(&mut connection, query).await {
            Ok(reply) => {
                counters.connections_reused.increment();
                transport.pool.put(connection);
                return Ok(reply);
            }
            Err(ExchangeError::Network(_)) => {}
            Err(error) => return Err(error),
        }
    }
    counters.connections_opened.increment();
    let mut connection = open(transport).await?;
    let reply = converse(&mut connection, query).await?;
    transport.pool.put(connection);
    Ok(reply)
}

async fn open(transport: &Transport) -> io::Result<Connection> {
    let stream = TcpStream::connect(transport.address).await?;
    stream.set_nodelay(true)?;
    match &transport.tls {
        None => Ok(Box::new(stream)),
        Some((configuration, name)) => {
            let connector = TlsConnector::from(Arc::clone(configuration));
            let stream = connector.connect(name.clone(), stream).await?;
            Ok(Box::new(stream))
        }
    }
}

/// Every message is preceded by its length (RFC 1035, 4.2.2).
async fn converse(connection: &mut Connection, query: &Query) -> Result<Vec<u8>, ExchangeError> {
    let length = u16::try_from(query.packet.len()).map_err(io::Error::other)?;
    let framed = [&length.to_be_bytes(), &query.packet[..]].concat();
    connection.write_all(&framed).await?;
    connection.flush().await?;
    let length = connection.read_u16().await?;
    let mut reply = vec![0; usize::from(length)];
    connection.read_exact(&mut reply).await?;
    if !query.is_answered_by(&reply) {
        return Err(ExchangeError::WrongAnswer);
    }
    Ok(reply)
}
