//! The record schema as a table: a cluster, questions, and every word of the answers.

mod addresses;
mod aliases;
mod changes;
mod fixture;
mod negatives;
mod ports;
mod reverse;
mod servers;

use std::str::FromStr;

use hickory_proto::rr::{Name, RecordType};

use super::{Question, ZoneIndex, ZoneSettings, answer};

/// Asks the fixture's cluster about `NAME TYPE`, where names end in `cluster.local`.
fn ask(question: &str) -> String {
    ask_of(&fixture::settings(), &fixture::index(), question)
}

/// The answer as text: the code, then a line a record, `!` before those of the authority section,
/// `+` before additional ones, and `->` before a name that is for other servers to resolve.
fn ask_of(settings: &ZoneSettings, index: &ZoneIndex, question: &str) -> String {
    let (name, kind) = question.split_once(' ').expect("a name and a type");
    let question = Question {
        name: Name::from_ascii(format!("{name}.")).expect("a name"),
        kind: RecordType::from_str(kind).expect("a type"),
    };
    let Some(answer) = answer(settings, index, &question) else {
        return "elsewhere".to_owned();
    };
    let mut lines = vec![format!("{:?}", answer.code)];
    lines.extend(answer.answers.iter().map(|record| record.to_string()));
    lines.extend(answer.authority.iter().map(|record| format!("! {record}")));
    lines.extend(answer.additional.iter().map(|record| format!("+ {record}")));
    lines.extend(answer.continues_at.map(|name| format!("-> {name}")));
    lines.join("\n")
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
