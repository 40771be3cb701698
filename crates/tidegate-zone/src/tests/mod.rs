//! The record schema as a table: a cluster, questions, and every word of the answers.

mod addresses;
mod aliases;
mod changes;
mod fixture;
mod negatives;
mod options;
mod ports;
mod readers;
mod reverse;
mod servers;
mod transfers;
mod zones;

use std::str::FromStr;

use hickory_proto::op::{Message, Query as Question};
use hickory_proto::rr::{Name, RecordType};
use tidegate_dns_wire::{Query, Reply, Transport};

use crate::{Outcome, ZoneIndex, ZoneSettings, answer};

/// Asks the fixture's cluster about `NAME TYPE`, where names end in `cluster.local`.
fn ask(question: &str) -> String {
    ask_of(&fixture::settings(), &fixture::index(), question)
}

fn ask_of(settings: &ZoneSettings, index: &ZoneIndex, question: &str) -> String {
    ask_in_turn(settings, index, question, 0)
}

/// The answer as text: the code, then a line a record, `!` before those of the authority section,
/// `+` before additional ones, and `->` before a name that is for other servers to resolve.
fn ask_in_turn(settings: &ZoneSettings, index: &ZoneIndex, question: &str, turn: usize) -> String {
    let packet = packet(question);
    let query = Query::read(&packet, Transport::Tcp).expect("a query");
    let mut out = Vec::new();
    let mut reply = Reply::to(&query, &mut out);
    let outcome = answer(settings, index, &query, turn, &mut reply);
    reply.finish();
    let reply = Message::from_vec(&out).expect("a reply that others can read");
    let name = match outcome {
        Outcome::NotOurs => return "elsewhere".to_owned(),
        Outcome::Answered => None,
        Outcome::Continues(name) => Some(name),
    };
    assert!(reply.metadata.authoritative && !reply.metadata.truncation);
    let mut lines = vec![format!("{:?}", reply.metadata.response_code)];
    lines.extend(reply.answers.iter().map(|record| record.to_string()));
    lines.extend(reply.authorities.iter().map(|record| format!("! {record}")));
    lines.extend(reply.additionals.iter().map(|record| format!("+ {record}")));
    lines.extend(name.map(|name| format!("-> {name}")));
    lines.join("\n")
}

fn packet(question: &str) -> Vec<u8> {
    let (name, kind) = question.split_once(' ').expect("a name and a type");
    let name = Name::from_ascii(format!("{name}.")).expect("a name");
    let kind = RecordType::from_str(kind).expect("a type");
    let mut message = Message::query();
    message.add_query(Question::query(name, kind));
    message.to_vec().expect("a packet")
}

/// Checks that a question gets exactly these lines.
#[track_caller]
fn check(question: &str, expected: &[&str]) {
    assert_eq!(ask(question), expected.join("\n"), "{question}");
}

/// The SOA record that comes with every "no" of the fixture's zone.
const SOA: &str = "! cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1700000000 7200 1800 86400 5";

/// Checks that a name doesn't exist.
#[track_caller]
fn check_absent(question: &str) {
    check(question, &["NXDomain", SOA]);
}

/// Checks that a name exists without records of the type.
#[track_caller]
fn check_empty(question: &str) {
    check(question, &["NoError", SOA]);
}
