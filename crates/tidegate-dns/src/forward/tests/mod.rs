//! Against name servers on loopback that answer, lie, cut off, refuse or stay silent.

mod failures;
mod name_server;
mod order;
mod replies;

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use super::{ForwardError, ForwardSettings, Forwarder, OwnAddresses, Upstreams};

/// How long a silent server is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

fn forwarder(upstreams: Vec<SocketAddr>) -> Forwarder {
    let settings = ForwardSettings {
        upstreams: Upstreams::Fixed(upstreams),
        patience: PATIENCE,
        max_waiting: 10,
    };
    Forwarder::new(settings, OwnAddresses::default())
}

fn query(name: &str) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(
        Name::from_ascii(name).expect("a name"),
        RecordType::A,
    ));
    message
}

/// What a client gets: the addresses of the answer, and its code.
async fn ask(forwarder: &Forwarder, query: &Message, whole: bool) -> Result<Reply, ForwardError> {
    let admission = forwarder.admit().expect("room");
    let packet = query.to_vec().expect("a query");
    let reply = forwarder.ask(admission, packet, whole).await?;
    let reply = Message::from_vec(&reply).expect("a readable reply");
    assert_eq!(
        reply.metadata.id, query.metadata.id,
        "the client's identifier"
    );
    Ok(Reply {
        code: reply.metadata.response_code,
        truncated: reply.metadata.truncation,
        addresses: reply
            .answers
            .iter()
            .map(|record| record.data.to_string())
            .collect(),
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Reply {
    code: ResponseCode,
    truncated: bool,
    addresses: Vec<String>,
}

fn found(addresses: &[&str]) -> Result<Reply, ForwardError> {
    Ok(Reply {
        code: ResponseCode::NoError,
        truncated: false,
        addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
    })
}
