//! A Service's own name, its endpoints' names and its ports' names.

use hickory_proto::rr::RecordType;
use tidegate_model::Protocol;

use super::lookup::{Lookup, Records};
use super::service_entry::{Role, ServiceEntry};
use super::{external, srv};

/// `SERVICE.NAMESPACE.svc`: addresses, or the alias of an ExternalName, and one SRV for every port
/// (not in the specification, but peer finders use CoreDNS's).
///
/// A headless Service exists only while it has a ready endpoint.
pub(super) fn service(lookup: &Lookup<'_>, service: &ServiceEntry) -> Option<Records> {
    if let Role::External(target) = &service.role {
        return target
            .as_ref()
            .map(|target| external::records(lookup, target));
    }
    if matches!(service.role, Role::Headless) && service.endpoints.is_empty() {
        return None;
    }
    Some(match lookup.question.kind {
        RecordType::SRV => srv::records(lookup, srv::places(lookup, service, |_, _| true)),
        _ => lookup.address_records(service.addresses()),
    })
}

/// `HOST.SERVICE.NAMESPACE.svc`: the ready endpoints of that host name, also below a Service
/// with virtual addresses.
pub(super) fn host(lookup: &Lookup<'_>, service: &ServiceEntry, label: &str) -> Option<Records> {
    let host = service.endpoints.host(label)?;
    Some(match lookup.question.kind {
        RecordType::SRV => srv::records(lookup, srv::places_of_host(lookup, service, host)),
        _ => lookup.address_records(&host.addresses),
    })
}

/// `_PORT._PROTOCOL.SERVICE.NAMESPACE.svc`: exists for named ports, and has SRV only.
pub(super) fn port(
    lookup: &Lookup<'_>,
    service: &ServiceEntry,
    port: &str,
    protocol: &str,
) -> Option<Records> {
    let places = srv::places(lookup, service, |name, of| {
        !name.is_empty() && name.eq_ignore_ascii_case(port) && of.lower_name() == protocol
    });
    if places.is_empty() {
        return None;
    }
    Some(match lookup.question.kind {
        RecordType::SRV => srv::records(lookup, places),
        _ => Records::default(),
    })
}

/// `_PROTOCOL.SERVICE.NAMESPACE.svc`: nothing but the parent of its ports' names.
pub(super) fn protocol(
    lookup: &Lookup<'_>,
    service: &ServiceEntry,
    protocol: &str,
) -> Option<Records> {
    let wanted = |name: &str, of: Protocol| !name.is_empty() && of.lower_name() == protocol;
    (!srv::places(lookup, service, wanted).is_empty()).then(Records::default)
}
