//! Rules that exist once for each number in use: one for each count of slots.
//!
//! A rule can't take a number out of one map to look something up in another: the kernel would, but
//! `nft list` aborts at such a rule. So the number is a constant of the rule, and a part of the key
//! that it looks up; frontends with another number aren't found and go on to the next rule.

use tidegate_netlink::nftables::{Expression, Family, Field, Rule, random, rule};
use tidegate_nft_table::{Key, TableSet};

use crate::content::Numbered;
use crate::sets::SetId;
use crate::slots::number;

/// The maps that backends are drawn from, each with the chain that draws.
pub(crate) const DRAWN: [SetId; 6] = [
    SetId::Slots(Key::Address),
    SetId::Slots(Key::NodePort),
    SetId::InsideSlots(Key::Address),
    SetId::InsideSlots(Key::NodePort),
    SetId::StickySlots(Key::Address),
    SetId::StickySlots(Key::NodePort),
];

/// Makes the first choice of a sticky frontend. Which it is doesn't matter, only that it stays.
const SEED: u32 = 0x7469_6465;

/// The chain that draws from a map.
pub(crate) fn draw_chain(map: SetId) -> String {
    format!("draw-{}", map.name())
}

/// The rule for a number, and the chain that it belongs to.
pub(crate) fn numbered_rule(family: Family, numbered: Numbered) -> (String, Rule) {
    let Numbered { map, slots } = numbered;
    (draw_chain(map), draw(family, map, slots))
}

/// Draws one slot among `count` and sends the connection to its backend.
///
/// A sticky frontend's first choice depends on the client's address alone, so that it is the same
/// one on all frontends of a Service.
fn draw(family: Family, map: SetId, count: usize) -> Rule {
    let (key, is_sticky) = match map {
        SetId::StickySlots(key) => (key, true),
        SetId::Slots(key) | SetId::InsideSlots(key) => (key, false),
        _ => return rule(),
    };
    let modulus = u32::try_from(count).unwrap_or(u32::MAX);
    let offset = number(count, 0);
    let mut parts = key.of_packet(family);
    parts.push(match is_sticky && modulus > 1 {
        true => Expression::Hash {
            of: Box::new(Field::saddr(family).into()),
            modulus,
            seed: SEED,
            offset,
        },
        false => random(modulus, offset),
    });
    let backend = Expression::Concat(parts).look_up(&map.definition(family));
    rule().dnat(family, backend)
}
