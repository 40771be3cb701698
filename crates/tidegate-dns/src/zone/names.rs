//! The names of the domain: which exist, and who knows what they have.

use super::lookup::{Lookup, Records};
use super::{apex, pods, service_records};

/// Looks a name up; `None` if it doesn't exist (NXDOMAIN), no records if it exists without any of
/// the type (NODATA).
///
/// A name with something below it exists (RFC 8020), also where the schema gives it no records.
pub(super) fn find(lookup: &Lookup<'_>) -> Option<Records> {
    let name = lookup.question.name.to_lowercase();
    let depth = name.iter().len() - lookup.origin.iter().len();
    let labels: Vec<&str> = name
        .iter()
        .take(depth)
        .map(std::str::from_utf8)
        .collect::<Result<_, _>>()
        .ok()?;
    match labels.as_slice() {
        [] => Some(apex::records(lookup)),
        ["dns-version"] => Some(apex::version(lookup)),
        ["dns"] => Some(Records::default()),
        ["ns", "dns"] => Some(apex::name_server(lookup)),
        ["svc"] | ["pod"] => Some(Records::default()),
        [namespace, "svc"] => lookup.index.has_namespace(namespace).then(Records::default),
        [namespace, "pod"] => pods::namespace(lookup, namespace),
        [pod, namespace, "pod"] => pods::pod(lookup, namespace, pod),
        [service, namespace, "svc"] => {
            let service = lookup.index.service(namespace, service)?;
            service_records::service(lookup, service)
        }
        [label, service, namespace, "svc"] => {
            let service = lookup.index.service(namespace, service)?;
            match label.strip_prefix('_') {
                Some(protocol) => service_records::protocol(lookup, service, protocol),
                None => service_records::host(lookup, service, label),
            }
        }
        [port, protocol, service, namespace, "svc"] => {
            let service = lookup.index.service(namespace, service)?;
            let port = port.strip_prefix('_')?;
            service_records::port(lookup, service, port, protocol.strip_prefix('_')?)
        }
        _ => None,
    }
}
