//! Packets from the outside: whatever they hold, the server stays up and says the right thing.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use proptest::prelude::*;

use super::{Request, Transport, Unanswerable, cut_short, reply};
use crate::zone::Answer;

fn query() -> Message {
    let name = Name::from_ascii("WEB.default.svc.cluster.local.").expect("a name");
    let mut message = Message::query();
    message.add_query(Query::query(name, RecordType::A));
    message.metadata.recursion_desired = true;
    message
}

fn query_with_edns(payload: u16) -> Message {
    let mut message = query();
    let mut edns = Edns::new();
    edns.set_max_payload(payload);
    message.set_edns(edns);
    message
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a message that can be written")
}

fn read(message: &Message) -> Result<Request, Unanswerable> {
    Request::read(&bytes(message), Transport::Udp)
}

/// The code and identifier of the refusal that a packet gets, if it gets one.
fn refusal(packet: &[u8]) -> Option<(ResponseCode, u16)> {
    match Request::read(packet, Transport::Udp) {
        Ok(_) => panic!("the packet was accepted"),
        Err(Unanswerable::Ignored) => None,
        Err(Unanswerable::Malformed(reply) | Unanswerable::Unsupported(reply)) => {
            let reply = Message::from_vec(&reply).expect("a readable reply");
            assert_eq!(reply.metadata.message_type, MessageType::Response);
            Some((reply.metadata.response_code, reply.metadata.id))
        }
    }
}

fn answer(addresses: u32, additional: u32) -> Answer {
    let records = |name: &str, count: u32| -> Vec<Record> {
        let name = Name::from_ascii(name).expect("a name");
        (0..count)
            .map(|number| A(std::net::Ipv4Addr::from_bits(number)))
            .map(|address| Record::from_rdata(name.clone(), 5, RData::A(address)))
            .collect()
    };
    Answer {
        code: ResponseCode::NoError,
        answers: records("WEB.default.svc.cluster.local.", addresses),
        authority: Vec::new(),
        additional: records("other.default.svc.cluster.local.", additional),
        continues_at: None,
    }
}

fn written(message: &Message, transport: Transport, answer: &Answer) -> (usize, Message) {
    let request = Request::read(&bytes(message), transport).expect("a question");
    let reply = reply(&request, answer, false);
    (
        reply.len(),
        Message::from_vec(&reply).expect("a readable reply"),
    )
}

#[test]
fn an_answer_repeats_the_question_in_its_letter_case() {
    let asked = query();
    let (_, reply) = written(&asked, Transport::Udp, &answer(1, 0));
    assert_eq!(reply.metadata.id, asked.metadata.id);
    assert!(reply.metadata.authoritative && reply.metadata.recursion_desired);
    assert_eq!(
        reply.queries[0].name.to_ascii(),
        "WEB.default.svc.cluster.local."
    );
    assert_eq!(
        reply.answers[0].name.to_ascii(),
        "WEB.default.svc.cluster.local."
    );
    assert!(reply.edns.is_none());
}

#[test]
fn edns_is_answered_with_edns() {
    let (_, reply) = written(&query_with_edns(4096), Transport::Udp, &answer(1, 0));
    assert_eq!(reply.edns.expect("an OPT record").max_payload(), 1232);
}

#[test]
fn an_answer_that_does_not_fit_is_cut_at_a_record() {
    for (asked, limit) in [
        (query(), 512),
        (query_with_edns(0), 512),
        (query_with_edns(900), 900),
        (query_with_edns(65_535), 1232),
    ] {
        let (length, reply) = written(&asked, Transport::Udp, &answer(200, 0));
        assert!(reply.metadata.truncation);
        assert!(
            length <= limit && length > limit - 32,
            "{length} of {limit}"
        );
        assert_eq!(reply.edns.is_some(), asked.edns.is_some());
        assert!(!reply.answers.is_empty());
    }
}

#[test]
fn additional_records_give_way_without_a_word() {
    let (length, reply) = written(&query(), Transport::Udp, &answer(10, 200));
    assert!(length <= 512 && !reply.metadata.truncation);
    assert_eq!((reply.answers.len(), reply.additionals.len()), (10, 0));
}

#[test]
fn tcp_carries_what_udp_can_not() {
    let (_, reply) = written(&query(), Transport::Tcp, &answer(4000, 0));
    assert!(!reply.metadata.truncation);
    assert_eq!(reply.answers.len(), 4000);
    let (length, reply) = written(&query_with_edns(1232), Transport::Tcp, &answer(5000, 0));
    assert!(length <= 65_535 && reply.metadata.truncation && reply.edns.is_some());
}

#[test]
fn a_reply_that_is_cut_short_sends_the_client_to_tcp() {
    let request = read(&query()).expect("a question");
    let reply = Message::from_vec(&cut_short(&request)).expect("a readable reply");
    assert!(reply.metadata.truncation && reply.answers.is_empty());
    assert_eq!(reply.queries.len(), 1);
}

#[test]
fn answers_and_scraps_are_ignored() {
    let mut message = query();
    message.metadata.message_type = MessageType::Response;
    assert_eq!(refusal(&bytes(&message)), None);
    assert_eq!(refusal(&[]), None);
    assert_eq!(refusal(&bytes(&query())[..11]), None);
}

#[test]
fn other_operations_are_not_implemented() {
    for operation in [OpCode::Status, OpCode::Notify, OpCode::Update] {
        let mut message = query();
        message.metadata.op_code = operation;
        let expected = (ResponseCode::NotImp, message.metadata.id);
        assert_eq!(refusal(&bytes(&message)), Some(expected));
    }
}

#[test]
fn a_packet_with_any_other_number_of_questions_is_malformed() {
    let mut none = query();
    none.queries.clear();
    let mut two = query();
    two.add_query(two.queries[0].clone());
    for message in [none, two] {
        let expected = (ResponseCode::FormErr, message.metadata.id);
        assert_eq!(refusal(&bytes(&message)), Some(expected));
    }
}

#[test]
fn a_count_without_records_behind_it_is_malformed() {
    let mut packet = bytes(&query());
    packet[4..6].copy_from_slice(&u16::MAX.to_be_bytes());
    assert_eq!(
        refusal(&packet).map(|(code, _)| code),
        Some(ResponseCode::FormErr)
    );
    let cut = &bytes(&query())[..20];
    assert_eq!(
        refusal(cut).map(|(code, _)| code),
        Some(ResponseCode::FormErr)
    );
}

#[test]
fn other_classes_and_transfers_are_refused() {
    let mut messages = Vec::new();
    for class in [DNSClass::CH, DNSClass::HS, DNSClass::ANY] {
        let mut message = query();
        message.queries[0].query_class = class;
        messages.push(message);
    }
    for kind in [RecordType::AXFR, RecordType::IXFR] {
        let mut message = query();
        message.queries[0].query_type = kind;
        messages.push(message);
    }
    for message in messages {
        let expected = (ResponseCode::Refused, message.metadata.id);
        assert_eq!(refusal(&bytes(&message)), Some(expected));
    }
}

#[test]
fn a_later_version_of_edns_is_told_ours() {
    let mut message = query_with_edns(1232);
    let mut edns = Edns::new();
    edns.set_version(1);
    message.set_edns(edns);
    let Err(Unanswerable::Unsupported(reply)) = read(&message) else {
        panic!("the version was accepted");
    };
    let reply = Message::from_vec(&reply).expect("a readable reply");
    let edns = reply.edns.expect("an OPT record");
    assert_eq!((edns.version(), edns.rcode_high()), (0, 1), "BADVERS is 16");
    assert_eq!(reply.metadata.response_code.low(), 0);
}

/// Every reply to a packet, however strange, is one that a client can read.
fn survives(packet: &[u8]) {
    for transport in [Transport::Udp, Transport::Tcp] {
        match Request::read(packet, transport) {
            Err(Unanswerable::Ignored) => {}
            Err(Unanswerable::Malformed(reply) | Unanswerable::Unsupported(reply)) => {
                Message::from_vec(&reply).expect("a readable reply");
            }
            Ok(request) => {
                let reply = reply(&request, &answer(200, 200), false);
                assert!(reply.len() <= request.longest_reply());
                Message::from_vec(&reply).expect("a readable reply");
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(packet in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&packet);
    }

    #[test]
    fn damaged_queries_do_no_harm(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut packet = bytes(&query_with_edns(1232));
        for (place, value) in changes {
            let place = place.index(packet.len());
            packet[place] = value;
        }
        survives(&packet);
        survives(&packet[..length.index(packet.len())]);
    }
}
