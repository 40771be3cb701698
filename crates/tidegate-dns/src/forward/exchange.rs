//! One query to one server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Header, MessageType, Query, ResponseCode};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::set_identifier;
use crate::wire::HEADER_LENGTH;

/// The longest datagram that is read. Clients say what they can take, and hardly any says more.
const LONGEST_DATAGRAM: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("it gave no answer within {0:?}")]
    TooSlow(Duration),
    #[error("the network gave up: {0}")]
    Network(#[from] io::Error),
    #[error("over TCP it answered another question than the one that was asked")]
    WrongAnswer,
    #[error("the query can't be read: {0}")]
    Query(#[from] DecodeError),
}

/// Asks over UDP, and over TCP if the reply was cut off and is wanted `whole`. If TCP fails, what
/// UDP brought is better than nothing.
pub(super) async fn ask(
    upstream: SocketAddr,
    query: &[u8],
    whole: bool,
    patience: Duration,
) -> Result<Vec<u8>, ExchangeError> {
    let asked = Asked::new(query)?;
    let too_slow = |_| ExchangeError::TooSlow(patience);
    let reply = timeout(patience, ask_udp(upstream, &asked))
        .await
        .map_err(too_slow)??;
    if !(whole && is_truncated(&reply)) {
        return Ok(reply);
    }
    match timeout(patience, ask_tcp(upstream, &asked)).await {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(error)) => {
            tracing::debug!(%upstream, %error, "a reply stays cut off");
            Ok(reply)
        }
        Err(_) => Ok(reply),
    }
}

/// A query under an identifier that nobody can guess.
struct Asked {
    packet: Vec<u8>,
    id: u16,
    question: Query,
}

impl Asked {
    fn new(query: &[u8]) -> Result<Self, DecodeError> {
        let id = rand::random();
        let (_, question) = head(query)?;
        let mut packet = query.to_owned();
        set_identifier(&mut packet, u16::to_be_bytes(id));
        Ok(Self {
            packet,
            id,
            question: question.ok_or(DecodeError::InsufficientBytes)?,
        })
    }

    /// Whether a message answers this query. A server that couldn't read the query may leave the
    /// question out.
    fn is_answered_by(&self, message: &[u8]) -> bool {
        let Ok((header, question)) = head(message) else {
            return false;
        };
        let same_question = match question {
            Some(question) => question == self.question,
            None => header.metadata.response_code == ResponseCode::FormErr,
        };
        header.metadata.id == self.id
            && header.metadata.message_type == MessageType::Response
            && same_question
    }
}

/// The header and the first question of a message; the rest isn't ours to understand.
fn head(message: &[u8]) -> Result<(Header, Option<Query>), DecodeError> {
    let mut decoder = BinDecoder::new(message);
    let header = Header::read(&mut decoder)?;
    let question = match header.counts.queries {
        0 => None,
        _ => Some(Query::read(&mut decoder)?),
    };
    Ok((header, question))
}

/// A fresh socket for every query makes its port as hard to guess as the identifier. Datagrams
/// that answer something else are passed over: the true reply may still come.
async fn ask_udp(upstream: SocketAddr, asked: &Asked) -> io::Result<Vec<u8>> {
    let any: IpAddr = match upstream {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(upstream).await?;
    socket.send(&asked.packet).await?;
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if asked.is_answered_by(&buffer[..length]) {
            buffer.truncate(length);
            if length == LONGEST_DATAGRAM {
                set_truncated(&mut buffer);
            }
            return Ok(buffer);
        }
    }
}

async fn ask_tcp(upstream: SocketAddr, asked: &Asked) -> Result<Vec<u8>, ExchangeError> {
    let length = u16::try_from(asked.packet.len()).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(upstream).await?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend(&asked.packet);
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await?;
    if !asked.is_answered_by(&reply) {
        return Err(ExchangeError::WrongAnswer);
    }
    Ok(reply)
}

/// The TC flag (RFC 1035, 4.1.1).
const TRUNCATED: u8 = 0x02;

fn is_truncated(message: &[u8]) -> bool {
    message.len() >= HEADER_LENGTH && message[2] & TRUNCATED != 0
}

fn set_truncated(message: &mut [u8]) {
    if let Some(flags) = message.get_mut(2) {
        *flags |= TRUNCATED;
    }
}
