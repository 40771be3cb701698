//! `ZONE.pin._zone.SERVICE.NAMESPACE.svc` and `ZONE.prefer._zone…`: the endpoints of a headless
//! Service that are in one zone, and nothing or all of them where none is. CoreDNS's option `zonal`.

use tidegate_dns_wire::{Kind, Reply};

use crate::endpoints::{Member, Port};
use crate::entry::{Role, ServiceEntry};
use crate::index::Slot;
use crate::lookup::{Found, Lookup};
use crate::srv;

/// The longest name of a zone that is compared: a label's worth and its dots.
const LONGEST_ZONE: usize = 255;

/// `_zone.SERVICE…`: the parent of these names.
pub(crate) fn parent(lookup: &Lookup<'_>, service: &ServiceEntry) -> Found {
    Found::if_exists(has_zones(lookup, service))
}

/// A name below it, whose label `_zone` is at `anchor`.
pub(crate) fn find(
    lookup: &Lookup<'_>,
    slot: &Slot,
    service: &ServiceEntry,
    anchor: usize,
    reply: &mut Reply<'_>,
) -> Found {
    let directive = lookup.name.label(anchor - 1);
    if !has_zones(lookup, service) || !matches!(directive, b"pin" | b"prefer") {
        return Found::Absent;
    }
    let mut zone = [0; LONGEST_ZONE];
    let Some(zone) = zone_before(lookup, anchor - 1, &mut zone) else {
        return Found::Exists;
    };
    let endpoints = &service.endpoints;
    let is_in = |member: &Member| endpoints.is_in_zone(member, zone);
    let takes_all = directive == b"prefer" && !endpoints.members().any(is_in);
    let is_meant = |member: &Member| takes_all || is_in(member);
    match lookup.kind {
        Kind::SRV => srv::of_endpoints(lookup, slot, endpoints, &|_: &Port| true, &is_meant, reply),
        Kind::A | Kind::AAAA => lookup.answer_found(reply, || endpoints.addresses_of(is_meant)),
        _ => {}
    }
    Found::Exists
}

fn has_zones(lookup: &Lookup<'_>, service: &ServiceEntry) -> bool {
    lookup.settings.zonal && matches!(service.role, Role::Headless) && !service.endpoints.is_empty()
}

/// The labels before the directive with dots between them, as a zone's name has them.
fn zone_before<'z>(
    lookup: &Lookup<'_>,
    directive: usize,
    zone: &'z mut [u8; LONGEST_ZONE],
) -> Option<&'z [u8]> {
    let mut length = 0;
    for index in 0..directive {
        let label = lookup.name.label(index);
        let start = if index > 0 { length + 1 } else { 0 };
        if index > 0 {
            *zone.get_mut(length)? = b'.';
        }
        length = start + label.len();
        zone.get_mut(start..length)?.copy_from_slice(label);
    }
    zone.get(..length).filter(|zone| !zone.is_empty())
}
