//! ExternalName Services: an alias, followed as far as the domain goes.

use tidegate_dns_wire::{Data, Kind, LowerName, Owner, Reply, Section};

use crate::lookup::{Found, Lookup};
use crate::names;

/// How many aliases one answer may follow.
const MAX_ALIASES: usize = 10;

/// The alias, and what it leads to inside the domain. Types other than addresses and the alias
/// itself have no records, as in CoreDNS.
///
/// An alias that leads to nothing in the domain, in a circle or too far is left out: half a chain
/// helps no client.
pub(crate) fn records(lookup: &Lookup<'_>, target: &[u8], reply: &mut Reply<'_>) -> Found {
    let alias = Data::Cname(target.into());
    match lookup.kind {
        Kind::CNAME => {
            lookup.answer(reply, &alias);
            return Found::Exists;
        }
        Kind::A | Kind::AAAA => {}
        _ => return Found::Exists,
    }
    let Ok(name) = LowerName::from_wire(target) else {
        return Found::Exists;
    };
    let mut domains = lookup.settings.domains.iter();
    let Some(before) = domains.find_map(|domain| name.labels_before(domain.name())) else {
        lookup.answer(reply, &alias);
        return Found::Continues(Box::new(name));
    };
    let mark = reply.mark();
    let Some(name_at) = lookup.answer(reply, &alias) else {
        return Found::Exists;
    };
    let next = Lookup {
        name: &name,
        before,
        owner: Owner::At(name_at),
        origin: name.from_label(before),
        alias: Some(lookup),
        ..*lookup
    };
    let with_alias = reply.count(Section::Answer);
    if !has_met(lookup, &name) {
        match names::find(&next, reply) {
            Found::Continues(name) => return Found::Continues(name),
            Found::Exists if reply.count(Section::Answer) > with_alias => return Found::Exists,
            Found::Exists | Found::Absent => {}
        }
    }
    reply.take_back(mark);
    Found::Exists
}

/// Whether the aliases so far led through a name, or were too many.
fn has_met(lookup: &Lookup<'_>, name: &LowerName) -> bool {
    let mut chain = std::iter::successors(Some(lookup), |lookup| lookup.alias);
    chain.clone().count() > MAX_ALIASES || chain.any(|earlier| earlier.name == name)
}
