//! From a question to its answer.

use tidegate_dns_wire::{Code, HEADER, LowerName, Owner, Query, Reply, Section};

use crate::index::ZoneIndex;
use crate::lookup::{Found, Lookup};
use crate::reverse::ReverseName;
use crate::settings::ZoneSettings;
use crate::{apex, names};

/// What the zone made of a question.
#[derive(Debug)]
pub enum Outcome {
    /// The reply is complete.
    Answered,
    /// Another server has to say what is at this name, where the aliases in the reply lead.
    Continues(Box<LowerName>),
    /// Other servers are to be asked; the reply is as it was.
    NotOurs,
}

/// Answers a question. Addresses are moved on by `turn` places, so that clients which always take
/// the first one are spread.
///
/// Before the first lists from the API are complete every answer is SERVFAIL: a name that isn't
/// known yet must never look like one that doesn't exist.
#[inline]
pub fn answer(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    query: &Query<'_>,
    turn: usize,
    reply: &mut Reply<'_>,
) -> Outcome {
    let name = &query.name;
    let of = |before| Lookup {
        settings,
        index,
        kind: query.kind,
        name,
        before,
        owner: Owner::Question,
        origin: query.name_as_asked(before),
        turn,
        alias: None,
    };
    let mut domains = settings.domains.iter();
    if let Some(before) = domains.find_map(|domain| name.labels_before(domain.name())) {
        let lookup = of(before);
        return within(&lookup, false, reply, |reply| names::find(&lookup, reply));
    }
    match ReverseName::read(settings, name) {
        Some(reverse) => {
            let lookup = of(reverse.before);
            let falls_through = reverse.zone.fallthrough;
            within(&lookup, falls_through, reply, |reply| {
                reverse.find(&lookup, reply)
            })
        }
        None => Outcome::NotOurs,
    }
}

/// Answers a question for a name in a zone of ours.
#[inline]
fn within(
    lookup: &Lookup<'_>,
    falls_through: bool,
    reply: &mut Reply<'_>,
    find: impl FnOnce(&mut Reply<'_>) -> Found,
) -> Outcome {
    if !lookup.index.is_synced() {
        reply.set_code(Code::SERVER_FAILURE);
        return conclude(lookup, reply);
    }
    match find(reply) {
        Found::Exists => {}
        Found::Absent if falls_through || lookup.settings.falls_through(lookup.name) => {
            return Outcome::NotOurs;
        }
        Found::Absent => reply.set_code(Code::NAME_ERROR),
        Found::Continues(name) => {
            reply.set_authoritative();
            return Outcome::Continues(name);
        }
    }
    conclude(lookup, reply)
}

/// An answer with nothing in it says for how long it may be kept.
#[inline]
fn conclude(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.set_authoritative();
    if reply.count(Section::Answer) == 0 && !reply.is_truncated() {
        let apex = u16::try_from(HEADER + lookup.name.offset(lookup.before));
        let apex = apex.map_or(Owner::Question, Owner::At);
        apex::add_authority(lookup, apex, reply);
    }
    Outcome::Answered
}
