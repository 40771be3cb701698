//! What was an upstream's reply is still the same reply behind anybody's header and question.

use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NULL, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::BinEncodable;
use proptest::collection::vec;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::{Age, NormaliseError, Reply, Stored};
use crate::question::{OwnedQuestion, Question};

fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

fn question(asked: &Name) -> OwnedQuestion {
    let lent = Question {
        name: &asked.to_lowercase().to_bytes().expect("a name"),
        kind: RecordType::A.into(),
        dnssec_ok: false,
        checking_disabled: false,
    };
    lent.to_owned(false)
}

fn reply(asked: &Name, answers: Vec<Record>) -> Message {
    let mut reply = Message::response(7, OpCode::Query);
    reply.add_query(Query::query(asked.clone(), RecordType::A));
    reply.add_answers(answers);
    reply
}

fn address(owner: &Name, last: u8, ttl: u32) -> Record {
    Record::from_rdata(owner.clone(), ttl, RData::A(A::new(192, 0, 2, last)))
}

fn stored(asked: &Name, reply: &Message, age: Age) -> Stored {
    let question = question(asked);
    let packet = reply.to_vec().expect("a packet");
    Reply::read(&question.as_question(), &packet)
        .and_then(|reply| reply.store(&question.as_question(), age))
        .expect("a reply that can be stored")
}

fn kept(since: Instant, seconds: u64) -> Age {
    Age {
        since,
        lifetime: Duration::from_secs(seconds),
        keeps_ttl: false,
        stale_ttl: 0,
    }
}

/// The addresses and TTLs that a client gets who asks with this question.
fn given(stored: &Stored, asked: &Name, now: Instant, turn: usize) -> Vec<(String, u32)> {
    let mut message = stored.header().to_vec();
    message.extend(asked.to_bytes().expect("a name"));
    message.extend([0, 1, 0, 1]);
    let start = message.len();
    stored.write_body(&mut message, now, turn);
    assert_eq!(message.len() - start, stored.body_len());
    let message = Message::from_vec(&message).expect("a message");
    given_by(&message.answers)
}

fn given_by(records: &[Record]) -> Vec<(String, u32)> {
    let describe = |record: &Record| (record.data.to_string(), record.ttl);
    records.iter().map(describe).collect()
}

#[test]
fn ttls_run_down_and_stop_at_the_stale_one() {
    let (asked, now) = (name("example.org."), Instant::now());
    let answers = vec![address(&asked, 1, 300), address(&asked, 2, 30)];
    let reply = reply(&asked, answers);
    let ttls = |age: Age, seconds| {
        let stored = stored(&asked, &reply, age);
        let given = given(&stored, &asked, now + Duration::from_secs(seconds), 0);
        given.into_iter().map(|(_, ttl)| ttl).collect::<Vec<_>>()
    };
    let age = kept(now, 30);
    assert_eq!(ttls(age, 0), [300, 30]);
    assert_eq!(ttls(age, 29), [271, 1]);
    assert_eq!(ttls(age, 30), [0, 0]);
    assert_eq!(ttls(age, u64::from(u32::MAX)), [0, 0]);
    let keeps_ttl = Age {
        keeps_ttl: true,
        ..age
    };
    assert_eq!(ttls(keeps_ttl, 29), [300, 30]);
    let stale = Age {
        stale_ttl: 30,
        ..age
    };
    assert_eq!(ttls(stale, 31), [30, 30]);
}

#[test]
fn addresses_of_one_name_take_turns_and_everything_else_stays() {
    let (asked, target, now) = (name("www.example.org."), name("a.b."), Instant::now());
    let alias = RData::CNAME(CNAME(target.clone()));
    let mut answers = vec![Record::from_rdata(asked.clone(), 30, alias)];
    answers.extend((1..=3).map(|last| address(&target, last, 30)));
    let stored = stored(&asked, &reply(&asked, answers), kept(now, 30));
    let turn = |turn| {
        let given = given(&stored, &asked, now, turn);
        given.into_iter().map(|(data, _)| data).collect::<Vec<_>>()
    };
    assert_eq!(turn(0), ["a.b.", "192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    assert_eq!(turn(1), ["a.b.", "192.0.2.2", "192.0.2.3", "192.0.2.1"]);
    assert_eq!(turn(5), ["a.b.", "192.0.2.3", "192.0.2.1", "192.0.2.2"]);
    assert_eq!(turn(usize::MAX).len(), 4);
}

#[test]
fn addresses_of_different_names_or_ttls_keep_their_places() {
    let (asked, now) = (name("www.example.org."), Instant::now());
    let answers = vec![
        address(&asked, 1, 30),
        address(&name("other.example."), 2, 30),
        address(&name("other.example."), 3, 60),
    ];
    let stored = stored(&asked, &reply(&asked, answers), kept(now, 30));
    for turn in 0..4 {
        assert_eq!(
            given(&stored, &asked, now, turn),
            given(&stored, &asked, now, 0)
        );
    }
}

#[test]
fn a_client_gets_its_own_letters_back() {
    let (asked, now) = (name("www.example.org."), Instant::now());
    let reply = reply(&asked, vec![address(&asked, 1, 30)]);
    let stored = stored(&asked, &reply, kept(now, 30));
    let mut message = stored.header().to_vec();
    message.extend(name("wWw.eXample.ORG.").to_bytes().expect("a name"));
    message.extend([0, 1, 0, 1]);
    stored.write_body(&mut message, now, 0);
    let message = Message::from_vec(&message).expect("a message");
    assert_eq!(message.answers[0].name.to_string(), "wWw.eXample.ORG.");
}

#[test]
fn thousands_of_addresses_stay_as_short_as_they_came() {
    let asked = name("a-name-that-is-not-short.example.org.");
    let mut packet = reply(&asked, Vec::new()).to_vec().expect("a packet");
    let count: u16 = 4000;
    packet[6..8].copy_from_slice(&count.to_be_bytes());
    for number in 0..count {
        packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 0]);
        packet.extend(number.to_be_bytes());
    }
    let question = question(&asked);
    let reply = Reply::read(&question.as_question(), &packet).expect("a reply");
    let stored = reply.pass_on(&question.as_question(), Instant::now());
    let stored = stored.expect("it fits");
    assert_eq!(stored.answers(), 4000);
    assert_eq!(stored.body_len(), 16 * 4000);
}

#[test]
fn what_concerns_only_the_upstream_and_us_is_left_out() {
    let asked = name("example.org.");
    let mut reply = reply(&asked, vec![address(&asked, 1, 30)]);
    reply.set_edns(Edns::new());
    reply.metadata.response_code = ResponseCode::BADCOOKIE;
    let mut packet = reply.to_vec().expect("a packet");
    // A signature of the message (RFC 2931), which nobody reads here.
    packet[11] += 1;
    packet.extend([0, 0, 24, 0, 255, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    let question = question(&asked);
    let stored = Reply::read(&question.as_question(), &packet)
        .and_then(|reply| reply.pass_on(&question.as_question(), Instant::now()))
        .expect("a reply that can be stored");
    assert_eq!(stored.additionals(), 0);
    assert_eq!(stored.response_code(), ResponseCode::BADCOOKIE);
}

#[test]
fn what_validators_read_is_passed_on_as_it_is_also_where_it_can_not_be_read() {
    let asked = name("example.org.");
    let question = question(&asked);
    // DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM.
    for kind in [43, 46, 47, 48, 50, 51] {
        for data in [&b"\x01"[..], &[0xff; 40]] {
            let mut packet = reply(&asked, Vec::new()).to_vec().expect("a packet");
            packet[7] = 1;
            let start = packet.len();
            packet.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 30, 0, data.len() as u8]);
            packet.extend(data);
            let now = Instant::now();
            let stored = Reply::read(&question.as_question(), &packet)
                .and_then(|reply| reply.store(&question.as_question(), kept(now, 30)))
                .expect("a reply that can be stored");
            let mut body = Vec::new();
            stored.write_body(&mut body, now, 0);
            assert_eq!(body, packet[start..], "type {kind}");
        }
    }
}

#[test]
fn a_reply_that_ends_within_a_record_is_cut_off_only_if_it_says_so() {
    let asked = name("example.org.");
    let question = question(&asked);
    let mut reply = reply(&asked, vec![address(&asked, 1, 30)]);
    let mut packet = reply.to_vec().expect("a packet");
    packet.pop();
    let read = Reply::read(&question.as_question(), &packet);
    assert!(matches!(read, Err(NormaliseError::Unreadable(_))));
    reply.metadata.truncation = true;
    let mut packet = reply.to_vec().expect("a packet");
    packet.pop();
    let read = Reply::read(&question.as_question(), &packet).expect("a reply");
    assert!(read.metadata.truncation);
    assert!(read.answers.is_empty());
}

#[test]
fn names_that_can_not_be_moved_elsewhere_are_refused() {
    let asked = name("example.org.");
    let question = question(&asked);
    for (data, is_movable) in [
        (&b"\x04mail\xc0\x0c\0"[..], false),
        (b"\x04mail\x07example\0\0", true),
    ] {
        let rdata = RData::Unknown {
            code: RecordType::Unknown(17),
            rdata: NULL::with(data.to_vec()),
        };
        let record = Record::from_rdata(asked.clone(), 30, rdata);
        let packet = reply(&asked, vec![record]).to_vec().expect("a packet");
        let read = Reply::read(&question.as_question(), &packet);
        assert_eq!(read.is_ok(), is_movable, "{data:?}");
    }
}

fn any_name() -> impl Strategy<Value = Name> {
    let label = prop_oneof!["[a-z]{1,3}", "[a-zA-Z0-9-]{1,20}", Just("www".to_owned())];
    let tail = prop_oneof![Just("example.org."), Just("org."), Just("Example.ORG.")];
    (vec(label, 0..3), tail).prop_map(|(labels, tail)| {
        let labels: Vec<_> = labels.into_iter().map(|label| label + ".").collect();
        Name::from_ascii(labels.concat() + tail).unwrap_or_else(|_| Name::root())
    })
}

fn any_data() -> impl Strategy<Value = RData> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| RData::A(A(octets.into()))),
        any::<[u8; 16]>().prop_map(|octets| RData::AAAA(AAAA(octets.into()))),
        any_name().prop_map(|name| RData::CNAME(CNAME(name))),
        (any::<u16>(), any_name()).prop_map(|(first, name)| RData::MX(MX::new(first, name))),
        (any_name(), any::<u16>()).prop_map(|(name, port)| RData::SRV(SRV::new(1, 2, port, name))),
        (any_name(), any_name(), any::<i32>())
            .prop_map(|(one, other, number)| RData::SOA(SOA::new(one, other, 1, number, 2, 3, 4))),
        vec("[ -~]{0,200}", 1..4).prop_map(|texts| RData::TXT(TXT::new(texts))),
        // A type that nobody here knows, such as DNSSEC's or a private one.
        (
            prop_oneof![46_u16..=48, 65_400_u16..=65_500],
            vec(any::<u8>(), 1..80)
        )
            .prop_map(|(code, octets)| RData::Unknown {
                code: RecordType::from(code),
                rdata: NULL::with(octets),
            }),
    ]
}

fn any_records() -> impl Strategy<Value = Vec<Record>> {
    let record = (any_name(), any::<u32>(), any_data())
        .prop_map(|(name, ttl, data)| Record::from_rdata(name, ttl, data));
    vec(record, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_reply_is_the_same_behind_any_header(
        asked in any_name(),
        answers in any_records(),
        authorities in any_records(),
        additionals in any_records(),
        turn in any::<usize>(),
    ) {
        let mut reply = reply(&asked, answers);
        reply.add_authorities(authorities);
        reply.add_additionals(additionals);
        let now = Instant::now();
        let stored = stored(&asked, &reply, Age::unkept(now));
        let question = question(&asked);
        let same = stored.to_message(&question.as_question(), now).expect("a message");
        prop_assert_eq!(&same.answers, &reply.answers);
        prop_assert_eq!(&same.authorities, &reply.authorities);
        prop_assert_eq!(&same.additionals, &reply.additionals);
        // Whatever the turn, no record is lost and none is added.
        let mut given = given(&stored, &asked.to_lowercase(), now, turn);
        let mut expected = given_by(&same.answers);
        given.sort();
        expected.sort();
        prop_assert_eq!(given, expected);
    }

    #[test]
    fn no_packet_makes_reading_panic(packet in vec(any::<u8>(), 0..600), name in any_name()) {
        let question = question(&name);
        if let Ok(reply) = Reply::read(&question.as_question(), &packet) {
            prop_assert!(reply.pass_on(&question.as_question(), Instant::now()).is_ok());
        }
    }
}
