//! A name server that does as it's told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What a server sends back for a query: any number of datagrams.
pub(super) type Behaviour = fn(&Message) -> Vec<Message>;

pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    /// Serves on a port of its own until the test ends.
    pub(super) async fn start(udp: Behaviour, tcp: Behaviour) -> Self {
        let (socket, listener, address) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            // Somebody else may have the same port for UDP.
            if let Ok(socket) = UdpSocket::bind(address).await {
                break (socket, listener, address);
            }
        };
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                count.fetch_add(1, Ordering::SeqCst);
                let query = Message::from_vec(&buffer[..length]).expect("a query");
                for reply in udp(&query) {
                    let reply = reply.to_vec().expect("a reply");
                    socket.send_to(&reply, client).await.expect("sent");
                }
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let length = stream.read_u16().await.expect("a length");
                let mut query = vec![0; usize::from(length)];
                stream.read_exact(&mut query).await.expect("a query");
                for reply in tcp(&Message::from_vec(&query).expect("a query")) {
                    let reply = reply.to_vec().expect("a reply");
                    let length = u16::try_from(reply.len()).expect("a short reply");
                    stream.write_u16(length).await.expect("sent");
                    stream.write_all(&reply).await.expect("sent");
                }
            }
        });
        Self { address, asked }
    }

    pub(super) async fn udp(behaviour: Behaviour) -> Self {
        Self::start(behaviour, silent).await
    }

    pub(super) fn times_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

pub(super) fn silent(_: &Message) -> Vec<Message> {
    Vec::new()
}

pub(super) fn reply(query: &Message) -> Message {
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.add_queries(query.queries.iter().cloned());
    reply
}

pub(super) fn address(query: &Message, last: u8) -> Message {
    let mut reply = reply(query);
    let data = RData::A(A::new(192, 0, 2, last));
    reply.add_answer(Record::from_rdata(query.queries[0].name.clone(), 30, data));
    reply
}

pub(super) fn good(query: &Message) -> Vec<Message> {
    vec![address(query, 1)]
}

pub(super) fn truncated(query: &Message) -> Vec<Message> {
    let mut reply = reply(query);
    reply.metadata.truncation = true;
    vec![reply]
}

pub(super) fn failing(query: &Message) -> Vec<Message> {
    let mut reply = reply(query);
    reply.metadata.response_code = ResponseCode::ServFail;
    vec![reply]
}
