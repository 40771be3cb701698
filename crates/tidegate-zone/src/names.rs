//! The names of the domain: which exist, and who knows what they have.

use tidegate_dns_wire::Reply;

use crate::lookup::{Found, Lookup};
use crate::{apex, pods, service_records, zonal};

/// Looks a name up and writes what it has.
///
/// A name with something below it exists (RFC 8020), also where the schema gives it no records.
#[inline]
pub(crate) fn find(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Found {
    let name = lookup.name;
    let last = |back: usize| match lookup.before.checked_sub(back) {
        Some(index) => name.label(index),
        None => &[],
    };
    match (last(1), lookup.before) {
        (_, 0) => apex::records(lookup, reply),
        (b"svc", before) => find_service(lookup, before, reply),
        (b"pod", 1) => Found::Exists,
        (b"pod", 2) => Found::if_exists(pods::has_namespace(lookup, last(2))),
        (b"pod", 3) => pods::pod(lookup, last(2), last(3), reply),
        (b"dns-version", 1) => apex::version(lookup, reply),
        (b"dns", 1) => Found::Exists,
        (b"dns", 2) if last(2) == b"ns" => apex::name_server(lookup, reply),
        _ => Found::Absent,
    }
}

#[inline]
fn find_service(lookup: &Lookup<'_>, before: usize, reply: &mut Reply<'_>) -> Found {
    let name = lookup.name;
    let Some(at) = before.checked_sub(3) else {
        let exists = before == 1
            || (lookup.settings.shows(name.label(0)) && lookup.index.has_namespace(name.label(0)));
        return Found::if_exists(exists);
    };
    if !lookup.settings.namespaces.is_empty() && !lookup.settings.shows(name.label(at + 1)) {
        return Found::Absent;
    }
    // Service and namespace lie side by side.
    let wire = name.as_wire();
    let key = wire
        .get(name.offset(at)..name.offset(before - 1))
        .unwrap_or_default();
    let found = lookup.index.with_service(key, |slot, service| match at {
        0 => service_records::service(lookup, slot, service, reply),
        1 => match name.label(0).strip_prefix(b"_") {
            Some(b"zone") => zonal::parent(lookup, service),
            Some(protocol) => service_records::protocol(lookup, service, protocol),
            None => service_records::host(lookup, slot, service, name.label(0), reply),
        },
        _ if name.label(at - 1) == b"_zone" => zonal::find(lookup, slot, service, at - 1, reply),
        2 => match [name.label(0), name.label(1)].map(|label| label.strip_prefix(b"_")) {
            [Some(port), Some(protocol)] => {
                service_records::port(lookup, slot, service, port, protocol, reply)
            }
            _ => Found::Absent,
        },
        _ => Found::Absent,
    });
    found.unwrap_or(Found::Absent)
}
