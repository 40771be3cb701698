//! Which replies are kept, where, and for how long.

use std::collections::HashSet;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::settings::{CacheSettings, ShelfSettings};
use crate::stored::Reply;

/// What becomes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is kept among the answers with records for so long.
    Success(Duration),
    /// It is kept among denials and failures for so long.
    Denial(Duration),
    /// It is passed on and forgotten.
    Nothing,
    /// It has records that nobody asked for: it is passed on and forgotten, and that is counted.
    Unrelated,
}

/// The number of the type that points a whole subtree elsewhere (RFC 6672).
const DNAME: u16 = 39;

/// How long a chain of aliases may be that is kept. Resolvers give up at about as many.
const LONGEST_CHAIN: usize = 16;

/// Decides over a reply, and brings its TTLs into the bounds of where it is kept.
pub(super) fn appraise(reply: &mut Reply, settings: &CacheSettings) -> Worth {
    if reply.metadata.truncation {
        return Worth::Nothing;
    }
    if !follows(&reply.name, &reply.answers) {
        return Worth::Unrelated;
    }
    match reply.metadata.response_code {
        ResponseCode::NoError if !reply.answers.is_empty() => {
            Worth::Success(bound_ttls(reply, &settings.success))
        }
        // Servers that deny without an SOA are many. Their word counts, for as short as any does.
        ResponseCode::NoError => {
            let least = u64::from(settings.denial.bounded(settings.denial.min_ttl));
            let lifetime = denial(reply, &settings.denial);
            Worth::Denial(lifetime.unwrap_or(Duration::from_secs(least)))
        }
        // RFC 2308, 5: without an SOA such an answer should not be kept.
        ResponseCode::NXDomain => {
            denial(reply, &settings.denial).map_or(Worth::Nothing, Worth::Denial)
        }
        ResponseCode::ServFail => Worth::Denial(settings.failure),
        _ => Worth::Nothing,
    }
}

/// How long a denial holds that says so itself; its SOA's own TTL becomes that (RFC 2308, 3).
fn denial(reply: &mut Reply, shelf: &ShelfSettings) -> Option<Duration> {
    let name = reply.name.clone();
    let aliases = chain(&name, &reply.answers)?;
    let soa = reply.authorities.iter_mut().find(|record| {
        record.record_type() == RecordType::SOA
            && aliases.iter().any(|alias| record.name.zone_of(alias))
    })?;
    soa.ttl = denial_ttl(soa)?;
    Some(bound_ttls(reply, shelf))
}

fn denial_ttl(record: &Record) -> Option<u32> {
    match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    }
}

/// Brings all TTLs into the bounds, and gives the least: the time for which all of them hold.
fn bound_ttls(reply: &mut Reply, shelf: &ShelfSettings) -> Duration {
    let mut least = shelf.max_ttl;
    // An alias to a name without records says by its SOA for how long that is so.
    for record in &reply.authorities {
        least = least.min(shelf.bounded(denial_ttl(record).unwrap_or(record.ttl)));
    }
    for record in reply.records_mut() {
        record.ttl = shelf.bounded(record.ttl);
        least = least.min(record.ttl);
    }
    Duration::from_secs(least.into())
}

/// Whether all answers are about the name that was asked for, or about what it is an alias of.
fn follows(name: &Name, answers: &[Record]) -> bool {
    let Some(chain) = chain(name, answers) else {
        return false;
    };
    answers.iter().all(|record| {
        let is_redirection = u16::from(record.record_type()) == DNAME;
        chain.contains(&record.name)
            || (is_redirection || is_signature(record))
                && chain.iter().any(|alias| record.name.zone_of(alias))
    })
}

/// A signature may be that of a redirection further up.
fn is_signature(record: &Record) -> bool {
    record.record_type() == RecordType::RRSIG
}

/// The name and all that it is an alias of; nothing, if that goes on for too long.
fn chain(name: &Name, answers: &[Record]) -> Option<HashSet<Name>> {
    let mut chain = HashSet::from([name.clone()]);
    loop {
        let before = chain.len();
        for record in answers {
            if let RData::CNAME(target) = &record.data
                && chain.contains(&record.name)
            {
                chain.insert(target.0.clone());
            }
        }
        if chain.len() == before {
            return Some(chain);
        }
        if chain.len() > LONGEST_CHAIN {
            return None;
        }
    }
}
