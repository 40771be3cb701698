//! Replies that other servers have a part in.

use std::sync::Arc;

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use crate::forward::Admission;
use crate::respond::Responder;
use crate::wire::{self, Request, Transport, UDP_PAYLOAD};
use crate::zone::Answer;

/// A question that waits for another server.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) responder: Arc<Responder>,
    pub(crate) request: Request,
    pub(crate) admission: Admission,
    pub(crate) missing: Missing,
}

#[derive(Debug)]
pub(crate) enum Missing {
    /// The reply to this packet.
    Everything(Vec<u8>),
    /// What is at the end of the answer's aliases.
    Rest { answer: Box<Answer>, name: Name },
}

impl Waiting {
    /// The reply, SERVFAIL if no other server gives one.
    pub(crate) async fn reply(self) -> Vec<u8> {
        match self.missing {
            Missing::Everything(query) => {
                // A client on UDP takes a reply that was cut off and comes back over TCP.
                let whole = self.request.transport() == Transport::Tcp;
                let reply = ask(&self.responder, self.admission, query, whole).await;
                pass_back(&self.request, reply)
            }
            Missing::Rest { mut answer, name } => {
                let query = address_query(name, self.request.question().kind);
                let reply = ask(&self.responder, self.admission, query, true).await;
                let reply = reply.and_then(|reply| Message::from_vec(&reply).ok());
                let truncated = reply
                    .as_ref()
                    .is_some_and(|reply| reply.metadata.truncation);
                complete(&mut answer, reply);
                wire::reply(&self.request, &answer, truncated)
            }
        }
    }
}

async fn ask(
    responder: &Responder,
    admission: Admission,
    query: Vec<u8>,
    whole: bool,
) -> Option<Vec<u8>> {
    match responder.forwarder.ask(admission, query, whole).await {
        Ok(reply) => Some(reply),
        Err(error) => {
            responder.counters.forward_failures.increment();
            tracing::debug!(%error, "a name outside the cluster stays unresolved");
            None
        }
    }
}

fn pass_back(request: &Request, reply: Option<Vec<u8>>) -> Vec<u8> {
    match reply {
        Some(reply) if reply.len() <= request.longest_reply() => reply,
        Some(_) => wire::cut_short(request),
        None => wire::refuse(request, ResponseCode::ServFail),
    }
}

/// Adds what another server knows about the last alias. The code is that server's, since it
/// speaks of the end of the chain (RFC 6604, 3); without a reply the alias is given with SERVFAIL,
/// so that nobody takes it for a name without addresses.
fn complete(answer: &mut Answer, reply: Option<Message>) {
    let Some(reply) = reply else {
        answer.code = ResponseCode::ServFail;
        return;
    };
    answer.code = reply.metadata.response_code;
    let is_wanted = |kind| matches!(kind, RecordType::A | RecordType::AAAA | RecordType::CNAME);
    let found = reply.answers.into_iter();
    answer
        .answers
        .extend(found.filter(|record| is_wanted(record.record_type())));
    let authority = reply.authorities.into_iter();
    answer
        .authority
        .extend(authority.filter(|record| record.record_type() == RecordType::SOA));
}

/// A query of our own. A name that can't be written gives an empty one, which nobody answers.
fn address_query(name: Name, kind: RecordType) -> Vec<u8> {
    let mut query = Message::query();
    query.metadata.recursion_desired = true;
    query.add_query(Query::query(name, kind));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    query.set_edns(edns);
    query.to_vec().unwrap_or_default()
}
