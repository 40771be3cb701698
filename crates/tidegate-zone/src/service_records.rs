//! A Service's own name, its endpoints' names and its ports' names.

use tidegate_dns_wire::{Kind, Reply};
use tidegate_model::Protocol;

use crate::endpoints::Port;
use crate::entry::{Role, ServiceEntry};
use crate::index::Slot;
use crate::lookup::{Found, Lookup};
use crate::{external, srv};

/// `SERVICE.NAMESPACE.svc`: addresses, or the alias of an ExternalName, and one SRV for every port
/// (not in the specification, but peer finders use CoreDNS's).
///
/// A headless Service exists only while it has a ready endpoint.
#[inline]
pub(crate) fn service(
    lookup: &Lookup<'_>,
    slot: &Slot,
    service: &ServiceEntry,
    reply: &mut Reply<'_>,
) -> Found {
    if !exists(lookup, service) {
        return Found::Absent;
    }
    match (&service.role, lookup.kind) {
        (Role::External(Some(target)), _) => return external::records(lookup, target, reply),
        (Role::External(None), _) => return Found::Absent,
        (_, Kind::SRV) => srv::of_service(lookup, slot, service, |_| true, reply),
        _ => lookup.answer_addresses(reply, service.addresses()),
    }
    Found::Exists
}

/// `HOST.SERVICE.NAMESPACE.svc`: the ready endpoints of that host name, also below a Service
/// with virtual addresses.
pub(crate) fn host(
    lookup: &Lookup<'_>,
    slot: &Slot,
    service: &ServiceEntry,
    label: &[u8],
    reply: &mut Reply<'_>,
) -> Found {
    let endpoints = &service.endpoints;
    let is_it = endpoints.named(label);
    if !endpoints.members().any(&is_it) {
        return Found::Absent;
    }
    match lookup.kind {
        Kind::SRV => srv::of_endpoints(lookup, slot, endpoints, &|_: &Port| true, &is_it, reply),
        Kind::A | Kind::AAAA => lookup.answer_found(reply, || endpoints.addresses_of(&is_it)),
        _ => {}
    }
    Found::Exists
}

/// `_PORT._PROTOCOL.SERVICE.NAMESPACE.svc`: exists for named ports, and has SRV only.
pub(crate) fn port(
    lookup: &Lookup<'_>,
    slot: &Slot,
    service: &ServiceEntry,
    name: &[u8],
    protocol: &[u8],
    reply: &mut Reply<'_>,
) -> Found {
    let wanted = |port: &Port| {
        !port.name.is_empty()
            && port.name.as_bytes().eq_ignore_ascii_case(name)
            && is_named(port.protocol, protocol)
    };
    if !exists(lookup, service) || !has_port(service, wanted) {
        return Found::Absent;
    }
    if lookup.kind == Kind::SRV {
        srv::of_service(lookup, slot, service, wanted, reply);
    }
    Found::Exists
}

/// `_PROTOCOL.SERVICE.NAMESPACE.svc`: nothing but the parent of its ports' names.
pub(crate) fn protocol(lookup: &Lookup<'_>, service: &ServiceEntry, protocol: &[u8]) -> Found {
    let wanted = |port: &Port| !port.name.is_empty() && is_named(port.protocol, protocol);
    Found::if_exists(exists(lookup, service) && has_port(service, wanted))
}

/// Whether a Service's names exist at this moment.
pub(crate) fn exists(lookup: &Lookup<'_>, service: &ServiceEntry) -> bool {
    match service.role {
        Role::Headless => !service.endpoints.is_empty(),
        Role::Balanced { .. } => {
            !lookup.settings.hides_empty_services || !service.endpoints.is_empty()
        }
        Role::External(_) => true,
    }
}

fn has_port(service: &ServiceEntry, wanted: impl Fn(&Port) -> bool) -> bool {
    match &service.role {
        Role::Balanced { ports, .. } => ports.iter().any(wanted),
        Role::Headless => {
            let groups = service.endpoints.groups().iter();
            groups.flat_map(|group| &group.ports).any(wanted)
        }
        Role::External(_) => false,
    }
}

fn is_named(protocol: Protocol, name: &[u8]) -> bool {
    protocol.lower_name().as_bytes() == name
}
