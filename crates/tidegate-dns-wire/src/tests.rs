//! Packets from the outside: whatever they hold, nothing breaks, and the right thing is said.

use std::net::Ipv4Addr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Question, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use proptest::prelude::*;

use crate::{
    Code, Data, InvalidName, Kind, LowerName, Owner, Query, Reply, Section, Transport, Unanswerable,
};

fn query() -> Message {
    let name = Name::from_ascii("WEB.default.svc.cluster.local.").expect("a name");
    let mut message = Message::query();
    message.add_query(Question::query(name, RecordType::A));
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

/// The reply to a packet: so many addresses of the question's name, so many of another one.
fn replied(packet: &[u8], transport: Transport, answers: u32, additional: u32) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match Query::read(packet, transport) {
        Ok(query) if query.refusal.is_some() => {
            Reply::refuse(&query, query.refusal?, &mut out);
        }
        Ok(query) => {
            let mut reply = Reply::to(&query, &mut out);
            reply.set_authoritative();
            let other = LowerName::from_text("other.svc.cluster.local").expect("a name");
            let other = Owner::Name(other.as_wire().into());
            for number in 0..answers {
                let address = Data::A(Ipv4Addr::from_bits(number));
                reply.add(Section::Answer, Owner::Question, 5, &address);
            }
            for number in 0..additional {
                let address = Data::A(Ipv4Addr::from_bits(number));
                reply.add(Section::Additional, other, 5, &address);
            }
            reply.finish();
        }
        Err(Unanswerable::Ignored) => return None,
        Err(Unanswerable::Header(header, code)) => Reply::refuse_header(header, code, &mut out),
    }
    Some(out)
}

fn written(message: &Message, transport: Transport, answers: u32, more: u32) -> (usize, Message) {
    let reply = replied(&bytes(message), transport, answers, more).expect("a reply");
    let decoded = Message::from_vec(&reply).expect("a readable reply");
    (reply.len(), decoded)
}

/// The code and identifier of the refusal that a packet gets, if it gets one.
fn refusal(packet: &[u8]) -> Option<(ResponseCode, u16)> {
    let query = Query::read(packet, Transport::Udp);
    let is_question = query.is_ok_and(|query| query.refusal.is_none());
    assert!(!is_question, "the packet was accepted");
    let reply = replied(packet, Transport::Udp, 0, 0)?;
    let reply = Message::from_vec(&reply).expect("a readable reply");
    assert_eq!(reply.metadata.message_type, MessageType::Response);
    Some((reply.metadata.response_code, reply.metadata.id))
}

#[test]
fn an_answer_repeats_the_question_in_its_letter_case() {
    let asked = query();
    let (_, reply) = written(&asked, Transport::Udp, 1, 0);
    assert_eq!(reply.metadata.id, asked.metadata.id);
    assert!(reply.metadata.authoritative && reply.metadata.recursion_desired);
    let names = [&reply.queries[0].name, &reply.answers[0].name];
    for name in names {
        assert_eq!(name.to_ascii(), "WEB.default.svc.cluster.local.");
    }
    assert!(reply.edns.is_none());
}

#[test]
fn edns_is_answered_with_edns() {
    let (_, reply) = written(&query_with_edns(4096), Transport::Udp, 1, 0);
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
        let (length, reply) = written(&asked, Transport::Udp, 200, 5);
        assert!(reply.metadata.truncation);
        assert!(
            length <= limit && length > limit - 32,
            "{length} of {limit}"
        );
        assert_eq!(reply.edns.is_some(), asked.edns.is_some());
        assert!(!reply.answers.is_empty() && reply.additionals.is_empty());
    }
}

#[test]
fn additional_records_give_way_without_a_word() {
    let (length, reply) = written(&query(), Transport::Udp, 10, 200);
    assert!(length <= 512 && !reply.metadata.truncation);
    assert_eq!((reply.answers.len(), reply.additionals.len()), (10, 0));
}

#[test]
fn tcp_carries_what_udp_can_not() {
    let (_, reply) = written(&query(), Transport::Tcp, 4000, 0);
    assert!(!reply.metadata.truncation);
    assert_eq!(reply.answers.len(), 4000);
    let (length, reply) = written(&query_with_edns(1232), Transport::Tcp, 5000, 0);
    assert!(length <= 65_535 && reply.metadata.truncation && reply.edns.is_some());
}

#[test]
fn somebody_elses_reply_is_passed_on_whole_or_cut_to_nothing() {
    for (length, passes) in [(470, true), (490, false)] {
        let packet = bytes(&query());
        let query = Query::read(&packet, Transport::Udp).expect("a question");
        let mut out = Vec::new();
        let mut reply = Reply::passing_on(&query, &mut out);
        let text = vec![7; length - 31 - 12 - 12];
        let record = [
            &[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 0, text.len() as u8][..],
            &text,
        ]
        .concat();
        let record = if passes { record } else { vec![0; length] };
        reply.add_body([u16::from(passes), 0, 0], |out| out.extend(record));
        assert_eq!(reply.is_truncated(), !passes);
        reply.finish();
        assert_eq!(out.len() > 100, passes, "{}", out.len());
    }
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
fn a_packet_that_is_not_what_it_says_is_malformed() {
    let good = bytes(&query());
    let mut counts = good.clone();
    counts[4..6].copy_from_slice(&u16::MAX.to_be_bytes());
    let mut record_missing = good.clone();
    record_missing[11] = 1;
    let trailing = [&good[..], &[0]].concat();
    let pointer = [&good[..12], &[0xc0, 12, 0, 1, 0, 1]].concat();
    let with_edns = bytes(&query_with_edns(1232));
    let opt = &with_edns[good.len()..];
    let mut two_opts = [&with_edns[..], opt].concat();
    two_opts[11] = 2;
    let mut named_opt = [&good[..], &[1, b'a'], opt].concat();
    named_opt[11] = 1;
    let mut opt_as_answer = with_edns.clone();
    opt_as_answer[7] = 1;
    opt_as_answer[11] = 0;
    let mut loops = [&good[..], &[0xc0, good.len() as u8], &opt[1..]].concat();
    loops[11] = 1;
    for packet in [
        &good[..20],
        &counts,
        &record_missing,
        &trailing,
        &pointer,
        &two_opts,
        &named_opt,
        &opt_as_answer,
        &loops,
    ] {
        let code = refusal(packet).map(|(code, _)| code);
        assert_eq!(code, Some(ResponseCode::FormErr), "{packet:?}");
    }
}

#[test]
fn other_classes_are_refused() {
    for class in [DNSClass::CH, DNSClass::HS, DNSClass::ANY] {
        let mut message = query();
        message.queries[0].query_class = class;
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
    let reply = replied(&bytes(&message), Transport::Udp, 0, 0).expect("a reply");
    let reply = Message::from_vec(&reply).expect("a readable reply");
    let edns = reply.edns.expect("an OPT record");
    assert_eq!((edns.version(), edns.rcode_high()), (0, 1), "BADVERS is 16");
    assert_eq!(reply.metadata.response_code.low(), 0);
}

#[test]
fn names_are_read_and_printed_as_they_are_written() {
    let name = LowerName::from_text("_http._TCP.Web.default.").expect("a name");
    assert_eq!(name.to_string(), "_http._tcp.web.default.");
    assert_eq!((name.count(), name.label(2)), (4, &b"web"[..]));
    assert_eq!(LowerName::from_wire(name.as_wire()).expect("a name"), name);
    let suffix = LowerName::from_text("web.default").expect("a name");
    assert_eq!(name.labels_before(&suffix), Some(2));
    let other = LowerName::from_text("eb.default").expect("a name");
    assert_eq!(name.labels_before(&other), None);
    assert_eq!(LowerName::ROOT.to_string(), ".");
    let strange = LowerName::from_wire(b"\x03a.\x07\0").expect("a name");
    assert_eq!(strange.to_string(), "a\\.\\007.");
    let longest = [[b'a'; 62]; 4].map(|label| String::from_utf8(label.into()).expect("text"));
    let longest = longest.join(".");
    assert!(LowerName::from_text(&longest).is_ok());
    for bad in [format!("{longest}.aa"), "a..b".to_owned(), "a".repeat(64)] {
        assert!(LowerName::from_text(&bad).is_err(), "{bad}");
    }
    assert!(LowerName::from_text(&"a.".repeat(127)).is_ok());
    assert!(LowerName::from_text(&"a.".repeat(128)).is_err());
}

#[test]
fn names_are_read_through_their_pointers() {
    let packet = b"\x05Local\0\x03svc\xc0\0\x03web\xc0\x07\xc0\x0dend";
    let read = |at| LowerName::from_packet(packet, at).map(|(name, end)| (name.to_string(), end));
    assert_eq!(read(0), Ok(("local.".to_owned(), 7)));
    assert_eq!(read(7), Ok(("svc.local.".to_owned(), 13)));
    assert_eq!(read(13), Ok(("web.svc.local.".to_owned(), 19)));
    assert_eq!(read(19), Ok(("web.svc.local.".to_owned(), 21)));
    for broken in [1, 21, 24, 100] {
        assert_eq!(read(broken), Err(InvalidName::Broken), "{broken}");
    }
    for trap in [&b"\xc0\0"[..], b"\x01a\xc0\0", b"\xc0\x02\0", b"\xc0"] {
        assert_eq!(LowerName::from_packet(trap, 0), Err(InvalidName::Broken));
    }
    let labels = [&[63][..], &[b'a'; 63]].concat().repeat(4);
    let long = [&labels[..], &[0]].concat();
    assert!(LowerName::from_packet(&long, 0).is_err());
}

#[test]
fn numbers_have_the_names_of_the_registry() {
    assert_eq!(Kind::AAAA.to_string(), "AAAA");
    assert_eq!(Kind(65_280).to_string(), "TYPE65280");
    assert_eq!(Code::NAME_ERROR.to_string(), "NXDOMAIN");
    assert_eq!(Code(77).to_string(), "RCODE77");
}

/// Every reply to a packet, however strange, is one that a client can read, and what we take for
/// a question another reader takes for the same one.
fn survives(packet: &[u8]) {
    for transport in [Transport::Udp, Transport::Tcp] {
        if let Ok(query) = Query::read(packet, transport) {
            if let Ok(other) = Message::from_vec(packet) {
                let question = &other.queries[0];
                assert_eq!(u16::from(question.query_type), query.kind.0);
                let name = question.name.to_lowercase();
                let labels: Vec<&[u8]> = (0..query.name.count())
                    .map(|at| query.name.label(at))
                    .collect();
                assert_eq!(name.iter().collect::<Vec<_>>(), labels);
                assert_eq!(other.edns.is_some(), query.edns.is_some());
            }
            let reply = replied(packet, transport, 200, 200).expect("a reply");
            assert!(reply.len() <= query.longest_reply());
        }
        if let Some(reply) = replied(packet, transport, 200, 200) {
            Message::from_vec(&reply).expect("a readable reply");
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
