//! What an answer must be, row by row and for all rows.

use std::collections::BTreeSet;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use tidegate_dns_wire::{Code, Transport};

use crate::asking::{OWN_PAYLOAD, PLAIN_PAYLOAD, Way, ZONE};
use crate::packet::{self, ID, Letters};
use crate::row::{Expected, Row, Unlisted};

/// Says what is wrong with a reply; gives its length if nothing is.
pub(crate) fn check(row: &Row, way: Way, packet: &[u8], reply: &[u8]) -> Result<usize, String> {
    let message = Message::from_vec(reply).map_err(|error| format!("unreadable: {error}"))?;
    let header = [reply[2], reply[3]];
    if message.metadata.id != ID || header[0] & 0x80 == 0 {
        return Err("it isn't a reply to this question".to_owned());
    }
    let recursion_desired = header[0] & 1 == 1;
    if recursion_desired == row.manner.no_recursion {
        return Err("whether recursion is desired isn't repeated".to_owned());
    }
    let limit = match (way.transport, way.edns) {
        (Transport::Tcp, _) => 65_535,
        (Transport::Udp, None) => PLAIN_PAYLOAD,
        (Transport::Udp, Some(edns)) => usize::from(edns.payload).max(PLAIN_PAYLOAD),
    };
    if reply.len() > limit {
        return Err(format!("it has {} octets of {limit}", reply.len()));
    }
    let said = Expected {
        code: Code(u16::from(message.metadata.response_code)).to_string(),
        authoritative: message.metadata.authoritative,
        truncated: message.metadata.truncation,
        records: canonical(&message),
        unlisted: Unlisted::Count(0),
    };
    // What an operation that we don't know puts there needn't be a question.
    if row.manner.opcode == 0 {
        if header[1] & 0x80 == 0 {
            return Err("recursion isn't available".to_owned());
        }
        check_question(row, packet, reply)?;
        check_edns(way, &message)?;
    }
    check_order(&message)?;
    check_owners(way, packet, row, &message)?;
    compare(&row.expected, said)?;
    Ok(reply.len())
}

/// The question is repeated letter by letter.
fn check_question(row: &Row, packet: &[u8], reply: &[u8]) -> Result<(), String> {
    let asked = packet::question_of(packet, &row.name);
    match reply.get(12..12 + asked.len()) == Some(&asked[..]) {
        true => Ok(()),
        false => Err("the question isn't repeated letter by letter".to_owned()),
    }
}

/// EDNS is answered with EDNS of version 0 (RFC 6891, 6.1.1, 6.1.3), without options.
fn check_edns(way: Way, message: &Message) -> Result<(), String> {
    let said = message.edns.as_ref().map(|edns| {
        let options = edns.options().options.len();
        (
            edns.version(),
            edns.max_payload(),
            edns.flags().dnssec_ok,
            options,
        )
    });
    let expected = way.edns.map(|edns| (0, OWN_PAYLOAD, edns.dnssec_ok, 0));
    match said == expected {
        true => Ok(()),
        false => Err(format!("EDNS {said:?} instead of {expected:?}")),
    }
}

/// An alias precedes what it leads to.
fn check_order(message: &Message) -> Result<(), String> {
    let mut known: Vec<String> = Vec::new();
    known.extend(
        message
            .queries
            .first()
            .map(|one| one.name().to_string().to_ascii_lowercase()),
    );
    for record in &message.answers {
        let owner = record.name.to_string().to_ascii_lowercase();
        if !known.contains(&owner) {
            return Err(format!("{record} comes before the alias that leads there"));
        }
        if record.record_type() == RecordType::CNAME {
            known.push(record.data.to_string().to_ascii_lowercase());
        }
    }
    Ok(())
}

/// Records of the name that was asked for bear it in the letters of the question.
fn check_owners(way: Way, packet: &[u8], row: &Row, message: &Message) -> Result<(), String> {
    if way.letters == Letters::AsWritten {
        return Ok(());
    }
    let asked = Message::from_vec(packet)
        .ok()
        .and_then(|mut one| one.queries.pop());
    let asked = asked.map(|one| one.name().to_string()).unwrap_or_default();
    for record in &message.answers {
        let owner = record.name.to_string();
        if owner.eq_ignore_ascii_case(&row.name) && owner != asked {
            return Err(format!("{owner} isn't written like {asked}"));
        }
    }
    check_zone(&asked, message)
}

/// Hosts of ports and the zone's own record end in the zone as the question has it.
fn check_zone(asked: &str, message: &Message) -> Result<(), String> {
    let zone = match asked.len().checked_sub(ZONE.len()) {
        Some(start) if asked[start..].eq_ignore_ascii_case(ZONE) => &asked[start..],
        _ => return Ok(()),
    };
    let mut records = message.answers.iter().chain(&message.authorities);
    let wrong = records.find(|record| {
        let data = record.data.to_string();
        let is_meant = matches!(record.record_type(), RecordType::SRV | RecordType::SOA);
        let in_any_letters = data.to_ascii_lowercase().matches(ZONE).count();
        is_meant && data.matches(zone).count() != in_any_letters
    });
    match wrong {
        Some(record) => Err(format!("{record} isn't written like {zone}")),
        None => Ok(()),
    }
}

fn compare(expected: &Expected, mut said: Expected) -> Result<(), String> {
    if expected.unlisted != Unlisted::Count(0) {
        let listed: BTreeSet<&String> = expected.records.iter().collect();
        let before = said.records.len();
        said.records.retain(|record| listed.contains(record));
        said.unlisted = match expected.unlisted {
            Unlisted::Some => Unlisted::Some,
            Unlisted::Count(_) => Unlisted::Count(before - said.records.len()),
        };
    }
    match said == *expected {
        true => Ok(()),
        false => Err(format!(
            "\n{}  instead of\n{}",
            print(&said),
            print(expected)
        )),
    }
}

/// All records in lower case, sorted, with their sections' marks and without serial numbers.
fn canonical(message: &Message) -> Vec<String> {
    // The zone has no version before everything has come from the API.
    let is_early = message.metadata.response_code == ResponseCode::ServFail;
    let sections = [
        ("", &message.answers),
        ("! ", &message.authorities),
        ("+ ", &message.additionals),
    ];
    let lines = sections.into_iter().flat_map(|(mark, records)| {
        let line = move |record: &Record| format!("{mark}{}", text(record, is_early));
        records.iter().map(line).collect::<Vec<_>>()
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

fn text(record: &Record, is_early: bool) -> String {
    let data = match record.record_type() {
        RecordType::SOA => {
            let data = record.data.to_string();
            let mut words: Vec<&str> = data.split(' ').collect();
            if let Some(serial) = words.get_mut(2).filter(|it| is_early || **it != "0") {
                *serial = "serial";
            }
            words.join(" ")
        }
        _ => record.data.to_string(),
    };
    let kind = record.record_type();
    format!("{} {} {kind} {data}", record.name, record.ttl).to_ascii_lowercase()
}

fn print(outcome: &Expected) -> String {
    let flag = |is_set, name| if is_set { name } else { "" };
    let head = format!(
        "    {} {}{}",
        outcome.code,
        flag(outcome.authoritative, "aa "),
        flag(outcome.truncated, "tc ")
    );
    let records = outcome.records.iter().map(|record| format!("    {record}"));
    let mut lines: Vec<String> = std::iter::once(head).chain(records).collect();
    if outcome.unlisted != Unlisted::Count(0) {
        lines.push(format!("    and more: {:?}", outcome.unlisted));
    }
    lines.join("\n") + "\n"
}
