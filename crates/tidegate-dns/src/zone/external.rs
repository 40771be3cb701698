//! ExternalName Services: an alias, followed as far as the domain goes.

use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{Name, RData, RecordType};

use super::lookup::{Lookup, Records};
use super::{Question, names};

/// How many aliases one answer may follow.
const MAX_ALIASES: usize = 10;

/// The alias, and what it leads to inside the domain. Types other than addresses and the alias
/// itself have no records, as in CoreDNS.
///
/// An alias that leads to nothing in the domain, in a circle or too far is left out: half a chain
/// helps no client.
pub(super) fn records(lookup: &Lookup<'_>, target: &Name) -> Records {
    let alias = lookup.record(RData::CNAME(CNAME(target.clone())));
    match lookup.question.kind {
        RecordType::CNAME => return Records::answers(vec![alias]),
        RecordType::A | RecordType::AAAA => {}
        _ => return Records::default(),
    }
    if !lookup.settings.domain.contains(target) {
        return Records {
            answers: vec![alias],
            continues_at: Some(target.clone()),
            ..Records::default()
        };
    }
    if lookup.aliases.len() >= MAX_ALIASES || *target == lookup.question.name {
        return Records::default();
    }
    if lookup.aliases.contains(&target) {
        return Records::default();
    }
    let question = Question {
        name: target.clone(),
        kind: lookup.question.kind,
    };
    match names::find(&lookup.follow(&question)) {
        Some(mut found) if !found.answers.is_empty() => {
            found.answers.insert(0, alias);
            found
        }
        _ => Records::default(),
    }
}
