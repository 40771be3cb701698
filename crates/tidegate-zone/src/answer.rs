//! From a question to its answer.

use std::net::IpAddr;

use tidegate_dns_wire::{Code, HEADER, LowerName, Owner, Query, Reply, Section};

use crate::index::ZoneIndex;
use crate::lookup::{Found, Lookup};
use crate::settings::ZoneSettings;
use crate::{apex, names, pointers};

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
    let mut domains = settings.domains.iter();
    let before = domains.find_map(|domain| query.name.labels_before(domain.name()));
    match before {
        Some(before) => {
            let lookup = Lookup {
                settings,
                index,
                kind: query.kind,
                name: &query.name,
                before,
                owner: Owner::Question,
                origin: query.name_as_asked(before),
                turn,
                alias: None,
            };
            forward(&lookup, reply)
        }
        None => reverse(settings, index, query, reply),
    }
}

fn forward(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Outcome {
    let apex = u16::try_from(HEADER + lookup.name.offset(lookup.before));
    let apex = apex.map_or(Owner::Question, Owner::At);
    let found = match lookup.index.is_synced() {
        true => names::find(lookup, reply),
        false => return not_synced(lookup.settings, lookup.index, apex, lookup.origin, reply),
    };
    match found {
        Found::Absent if lookup.settings.falls_through(lookup.name) => return Outcome::NotOurs,
        Found::Absent => reply.set_code(Code::NAME_ERROR),
        Found::Exists => {}
        Found::Continues(name) => {
            reply.set_authoritative();
            return Outcome::Continues(name);
        }
    }
    conclude(lookup.settings, lookup.index, apex, lookup.origin, reply)
}

fn reverse(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    query: &Query<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let spelled = pointers::read(&query.name);
    // What is below a zone of ours and stands for no address doesn't exist there.
    let Some((network, apex_label)) = spelled.or_else(|| pointers::read_parent(&query.name)) else {
        return Outcome::NotOurs;
    };
    let Some(zone) = settings.reverse_zone(&network) else {
        return Outcome::NotOurs;
    };
    let apex = u16::try_from(HEADER + query.name.offset(apex_label));
    let apex = apex.map_or(Owner::Question, Owner::At);
    let origin = query.name.from_label(apex_label);
    if !index.is_synced() {
        return not_synced(settings, index, apex, origin, reply);
    }
    let address: Option<IpAddr> =
        (network.prefix_len() == network.max_prefix_len()).then(|| network.addr());
    let exists = match address {
        _ if spelled.is_none() => false,
        Some(address) => pointers::find(settings, index, query, address, reply),
        // The parent of reverse names in a network of ours exists without records of its own.
        None => !zone.fallthrough,
    };
    if !exists {
        if zone.fallthrough || settings.falls_through(&query.name) {
            return Outcome::NotOurs;
        }
        reply.set_code(Code::NAME_ERROR);
    }
    conclude(settings, index, apex, origin, reply)
}

/// An answer with nothing in it says for how long it may be kept.
#[inline]
fn conclude(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    apex: Owner<'_>,
    origin: &[u8],
    reply: &mut Reply<'_>,
) -> Outcome {
    reply.set_authoritative();
    if reply.count(Section::Answer) == 0 && !reply.is_truncated() {
        apex::add_authority(settings, index, apex, origin, reply);
    }
    Outcome::Answered
}

fn not_synced(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    apex: Owner<'_>,
    origin: &[u8],
    reply: &mut Reply<'_>,
) -> Outcome {
    reply.set_code(Code::SERVER_FAILURE);
    conclude(settings, index, apex, origin, reply)
}
