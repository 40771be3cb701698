//! The cluster zone: a pure function from what the cluster has and a question to an answer.
//!
//! The record schema is that of Kubernetes' DNS specification, version 1.1.0, and where that
//! leaves a choice, what CoreDNS does. Nothing here knows packets, sockets or a clock.

mod apex;
mod endpoints;
mod external;
mod index;
mod lookup;
mod names;
mod pods;
mod pointers;
mod reverse_index;
mod rotation;
mod service_entry;
mod service_records;
mod settings;
mod srv;
#[cfg(test)]
mod tests;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record, RecordType};

pub(crate) use index::ZoneIndex;
pub(crate) use rotation::rotate_addresses;
pub(crate) use service_entry::ServiceEntry;
pub use settings::{ClusterDomain, InvalidDomain, PodNames, ZoneSettings};

use lookup::{Lookup, Records};
use pointers::Reverse;

/// A name and a type, in the class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The name in the letter case that the client chose, which answers echo.
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
}

/// What the zone says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: ResponseCode,
    pub(crate) answers: Vec<Record>,
    pub(crate) authority: Vec<Record>,
    pub(crate) additional: Vec<Record>,
    /// Where the last CNAME of `answers` leads, if another server has to say what is there.
    pub(crate) continues_at: Option<Name>,
}

/// Answers a question; `None` if other servers are to be asked.
///
/// Before the first lists from the API are complete every answer is SERVFAIL: a name that isn't
/// known yet must never look like one that doesn't exist.
pub(crate) fn answer(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    question: &Question,
) -> Option<Answer> {
    if settings.domain.contains(&question.name) {
        let lookup = Lookup::new(settings, index, question);
        return Some(if index.is_synced() {
            conclude(names::find(&lookup), lookup.start_of_authority())
        } else {
            refusal(ResponseCode::ServFail, lookup.start_of_authority())
        });
    }
    let reverse = Reverse::read(&question.name)?;
    let authority = apex::reverse_authority(settings, index, reverse.family());
    if !index.is_synced() {
        return Some(refusal(ResponseCode::ServFail, authority));
    }
    let found = pointers::find(settings, index, question, &reverse);
    if found.is_none() && !settings.owns(&reverse) {
        return None;
    }
    Some(conclude(found, authority))
}

fn conclude(found: Option<Records>, start_of_authority: Option<Record>) -> Answer {
    let Some(records) = found else {
        return refusal(ResponseCode::NXDomain, start_of_authority);
    };
    let negative = records.answers.is_empty();
    Answer {
        code: ResponseCode::NoError,
        authority: start_of_authority
            .filter(|_| negative)
            .into_iter()
            .collect(),
        answers: records.answers,
        additional: records.additional,
        continues_at: records.continues_at,
    }
}

fn refusal(code: ResponseCode, start_of_authority: Option<Record>) -> Answer {
    Answer {
        code,
        answers: Vec::new(),
        authority: start_of_authority.into_iter().collect(),
        additional: Vec::new(),
        continues_at: None,
    }
}
