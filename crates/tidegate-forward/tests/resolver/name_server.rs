//! A name server that does as it's told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a server sends back for a query over UDP: any number of datagrams.
pub(crate) type Udp = Box<dyn Fn(&Message) -> Vec<Vec<u8>> + Send>;

/// What a server does about a query over TCP.
pub(crate) type Tcp = Arc<dyn Fn(&Message) -> Step + Send + Sync>;

pub(crate) enum Step {
    Reply(Vec<u8>),
    ReplyAndClose(Vec<u8>),
    /// Announces the whole reply, sends half of it, and closes the connection.
    Half(Vec<u8>),
    Silence,
}

pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Asked>,
    /// What it does, until it is dropped.
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Asked {
    over_udp: AtomicUsize,
    over_tcp: AtomicUsize,
    connections: AtomicUsize,
    closed: AtomicUsize,
}

impl NameServer {
    /// Serves on a port of its own.
    pub(crate) async fn start(udp: Udp, tcp: Tcp, tls: Option<TlsAcceptor>) -> Self {
        let (socket, listener, address) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            // Somebody else may have the same port for UDP.
            if let Ok(socket) = UdpSocket::bind(address).await {
                break (socket, listener, address);
            }
        };
        let asked = Arc::<Asked>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(socket, udp, Arc::clone(&asked)));
        tasks.spawn(serve_tcp(listener, tcp, tls, Arc::clone(&asked)));
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }

    pub(crate) async fn udp(behaviour: fn(&Message) -> Vec<Message>) -> Self {
        Self::start(messages(behaviour), silent_tcp(), None).await
    }

    pub(crate) async fn tcp(step: impl Fn(&Message) -> Step + Send + Sync + 'static) -> Self {
        Self::start(messages(silent), Arc::new(step), None).await
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.asked.over_udp.load(Ordering::SeqCst) + self.times_asked_over_tcp()
    }

    pub(crate) fn times_asked_over_tcp(&self) -> usize {
        self.asked.over_tcp.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.asked.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn open_connections(&self) -> usize {
        self.connections() - self.asked.closed.load(Ordering::SeqCst)
    }
}

async fn serve_udp(socket: UdpSocket, behaviour: Udp, asked: Arc<Asked>) {
    let mut buffer = [0; 4096];
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        asked.over_udp.fetch_add(1, Ordering::SeqCst);
        let query = Message::from_vec(&buffer[..length]).expect("a query");
        for reply in behaviour(&query) {
            // A client that has its answer already has closed its socket.
            let _ = socket.send_to(&reply, client).await;
        }
    }
}

async fn serve_tcp(
    listener: TcpListener,
    behaviour: Tcp,
    tls: Option<TlsAcceptor>,
    asked: Arc<Asked>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        asked.connections.fetch_add(1, Ordering::SeqCst);
        let (behaviour, asked) = (Arc::clone(&behaviour), Arc::clone(&asked));
        let tls = tls.clone();
        connections.spawn(async move {
            match tls {
                None => converse(stream, behaviour, &asked).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, behaviour, &asked).await;
                    }
                }
            }
            asked.closed.fetch_add(1, Ordering::SeqCst);
        });
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, behaviour: Tcp, asked: &Asked) {
    // A client may close its connection at any time.
    while let Ok(length) = stream.read_u16().await {
        let mut query = vec![0; usize::from(length)];
        if stream.read_exact(&mut query).await.is_err() {
            return;
        }
        asked.over_tcp.fetch_add(1, Ordering::SeqCst);
        let (reply, sent, goes_on) = match behaviour(&Message::from_vec(&query).expect("a query")) {
            Step::Silence => continue,
            Step::Reply(reply) => (reply.clone(), reply, true),
            Step::ReplyAndClose(reply) => (reply.clone(), reply, false),
            Step::Half(reply) => (reply.clone(), reply[..reply.len() / 2].to_vec(), false),
        };
        let length = u16::try_from(reply.len()).expect("a short reply");
        let framed = [&length.to_be_bytes(), &sent[..]].concat();
        if stream.write_all(&framed).await.is_err() || stream.flush().await.is_err() || !goes_on {
            return;
        }
    }
}

pub(crate) fn messages(behaviour: fn(&Message) -> Vec<Message>) -> Udp {
    let encode = |message: Message| message.to_vec().expect("a reply");
    Box::new(move |query| behaviour(query).into_iter().map(encode).collect())
}

pub(crate) fn silent(_: &Message) -> Vec<Message> {
    Vec::new()
}

pub(crate) fn silent_tcp() -> Tcp {
    Arc::new(|_: &Message| Step::Silence)
}

pub(crate) fn reply(query: &Message) -> Message {
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.add_queries(query.queries.iter().cloned());
    reply
}

pub(crate) fn with_code(query: &Message, code: ResponseCode) -> Message {
    let mut reply = reply(query);
    reply.metadata.response_code = code;
    reply
}

pub(crate) fn address(query: &Message, last: u8) -> Message {
    let mut reply = reply(query);
    let data = RData::A(A::new(192, 0, 2, last));
    reply.add_answer(Record::from_rdata(query.queries[0].name.clone(), 30, data));
    reply
}

/// The one address that good servers know.
pub(crate) fn good(query: &Message) -> Vec<Message> {
    vec![address(query, 1)]
}

/// The one address that good servers tell over TCP.
pub(crate) fn good_over_tcp(query: &Message) -> Step {
    Step::Reply(address(query, 2).to_vec().expect("a reply"))
}

pub(crate) fn truncated(query: &Message) -> Vec<Message> {
    let mut reply = reply(query);
    reply.metadata.truncation = true;
    vec![reply]
}

pub(crate) fn failing(query: &Message) -> Vec<Message> {
    vec![with_code(query, ResponseCode::ServFail)]
}

/// An address on which nothing listens: bound once, and let go.
pub(crate) async fn dead() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    socket.local_addr().expect("an address")
}
