//! Another server, which knows a few names of `example.org`.

use std::str::FromStr;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, PTR, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// Answers for as long as the runtime lives; gives the server's address.
pub async fn serve() -> std::net::SocketAddr {
    let (udp, tcp) = bind().await;
    let address = tcp.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut packet = [0; 1500];
        while let Ok((length, client)) = udp.recv_from(&mut packet).await {
            let _ = udp.send_to(&reply(&packet[..length]), client).await;
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = tcp.accept().await {
            tokio::spawn(converse(stream));
        }
    });
    address
}

/// Both sockets on one port that nobody else has.
async fn bind() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = tcp.local_addr().expect("an address");
        if let Ok(udp) = UdpSocket::bind(address).await {
            return (udp, tcp);
        }
    }
}

async fn converse(mut stream: TcpStream) {
    while let Ok(length) = stream.read_u16().await {
        let mut packet = vec![0; usize::from(length)];
        if stream.read_exact(&mut packet).await.is_err() {
            return;
        }
        let reply = reply(&packet);
        let length = u16::try_from(reply.len()).expect("a short reply");
        let framed = [&length.to_be_bytes()[..], &reply].concat();
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

fn reply(packet: &[u8]) -> Vec<u8> {
    let query = Message::from_vec(packet).expect("a query that others can read");
    let question = query.queries.first().expect("a question").clone();
    let mut reply = Message::response(query.metadata.id, OpCode::Query);
    reply.metadata.recursion_available = true;
    reply.add_query(question.clone());
    let record = |name: &str, data: RData| Record::from_rdata(of(name), 60, data);
    let address = |name: &str, kind: RecordType| match kind {
        RecordType::A => Some(record(name, RData::A(A::new(192, 0, 2, 7)))),
        RecordType::AAAA => {
            let address = "2001:db8::7".parse().expect("an address");
            Some(record(name, RData::AAAA(AAAA(address))))
        }
        _ => None,
    };
    let kind = question.query_type();
    match question.name().to_string().to_ascii_lowercase().as_str() {
        name @ ("db.example.org." | "fallen.default.svc.cluster.local.") => {
            reply.add_answers(address(name, kind));
        }
        "alias.example.org." => {
            let alias = RData::CNAME(CNAME(of("db.example.org.")));
            reply.add_answer(record("alias.example.org.", alias));
            reply.add_answers(address("db.example.org.", kind));
        }
        "cut.example.org." => reply.metadata.truncation = true,
        name @ "9.2.0.192.in-addr.arpa." => {
            let pointer = RData::PTR(PTR(of("nine.example.org.")));
            reply.add_answer(record(name, pointer));
        }
        _ => {
            reply.metadata.response_code = ResponseCode::NXDomain;
            let [server, mailbox] = ["ns.example.org.", "admin.example.org."].map(of);
            let soa = SOA::new(server, mailbox, 7, 1, 2, 3, 60);
            reply.add_authority(record("example.org.", RData::SOA(soa)));
        }
    }
    reply.to_vec().expect("a reply")
}

fn of(name: &str) -> Name {
    Name::from_str(name).expect("a name")
}
