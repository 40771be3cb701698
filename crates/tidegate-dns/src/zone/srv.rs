//! SRV records: where the ports of a Service are served.

use std::collections::HashSet;
use std::net::IpAddr;

use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{Name, RData};
use tidegate_model::Protocol;

use super::endpoints::Host;
use super::lookup::{Lookup, Records, prefixed, service_name};
use super::service_entry::{Role, ServiceEntry};

/// One address and port of a Service, by the name that SRV records give it.
pub(super) struct Place<'a> {
    target: Name,
    port: u16,
    /// All addresses of the target.
    addresses: &'a [IpAddr],
}

/// The places that a Service's wanted ports lead to, one for every address: the Service itself
/// and its own port, or the endpoints and theirs.
pub(super) fn places<'a>(
    lookup: &Lookup<'_>,
    service: &'a ServiceEntry,
    wanted: impl Fn(&str, Protocol) -> bool,
) -> Vec<Place<'a>> {
    let Some(name) = service_name(&service.key, &lookup.origin) else {
        return Vec::new();
    };
    match &service.role {
        Role::Balanced { addresses, ports } => ports
            .iter()
            .filter(|port| wanted(&port.name, port.protocol))
            .flat_map(|port| addresses.iter().map(|_| port.port))
            .map(|port| Place {
                target: name.clone(),
                port,
                addresses,
            })
            .collect(),
        Role::Headless => service
            .endpoints
            .places(|port| wanted(&port.name, port.protocol))
            .filter_map(|(label, port)| host_place(&name, service.endpoints.host(label)?, port))
            .collect(),
        Role::External(_) => Vec::new(),
    }
}

/// The places of one endpoint name, on every port that it has.
pub(super) fn places_of_host<'a>(
    lookup: &Lookup<'_>,
    service: &'a ServiceEntry,
    host: &'a Host,
) -> Vec<Place<'a>> {
    let Some(name) = service_name(&service.key, &lookup.origin) else {
        return Vec::new();
    };
    service
        .endpoints
        .places(|_| true)
        .filter(|(label, _)| **label == host.label)
        .filter_map(|(_, port)| host_place(&name, host, port))
        .collect()
}

fn host_place<'a>(service: &Name, host: &'a Host, port: u16) -> Option<Place<'a>> {
    Some(Place {
        target: prefixed(&[&host.label], service)?,
        port,
        addresses: &host.addresses,
    })
}

/// One SRV for every target and port, with the targets' addresses in the additional section.
///
/// The weights are CoreDNS's: an even share of 100 for every place, counted before repetitions
/// are left out.
pub(super) fn records(lookup: &Lookup<'_>, places: Vec<Place<'_>>) -> Records {
    let share = 100_usize
        .checked_div(places.len())
        .unwrap_or_default()
        .max(1);
    let weight = u16::try_from(share).unwrap_or(u16::MAX);
    let mut records = Records::default();
    let mut known_ports = HashSet::new();
    let mut known_targets = HashSet::new();
    for place in places {
        if !known_ports.insert((place.target.clone(), place.port)) {
            continue;
        }
        if known_targets.insert(place.target.clone()) {
            let glue = lookup.glue(&place.target, place.addresses);
            records.additional.extend(glue);
        }
        let srv = SRV::new(0, weight, place.port, place.target);
        records.answers.push(lookup.record(RData::SRV(srv)));
    }
    records
}
