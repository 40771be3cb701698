//! The records of the zone itself: SOA, NS, its version, and the names of its servers.

use std::net::IpAddr;
use std::sync::Arc;

use tidegate_dns_wire::{Data, Kind, Owner, Reply, Section, StartOfAuthority};

use crate::index::{Slot, ZoneIndex};
use crate::lookup::{Found, Lookup};
use crate::settings::ZoneSettings;

/// The version of the record schema, and how long it may be kept (eight hours, as in CoreDNS).
pub(crate) const SCHEMA_VERSION: &[u8] = b"1.1.0";
pub(crate) const SCHEMA_VERSION_TTL: u32 = 28_800;

/// The longest that an SOA record may be kept, in seconds.
const MAX_AUTHORITY_TTL: u32 = 300;

/// The zone's own name.
pub(crate) fn records(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Found {
    match lookup.kind {
        Kind::SOA => {
            let (ttl, soa) = start_of_authority(lookup.settings, lookup.index, lookup.origin);
            reply.add(Section::Answer, lookup.owner, ttl, &soa);
        }
        Kind::NS => {
            let servers = name_servers(lookup.settings, lookup.index);
            let places: Vec<Option<u16>> = servers
                .iter()
                .map(|server| {
                    let labels = server.labels();
                    lookup.answer(reply, &Data::Ns(lookup.name_of(&labels)))
                })
                .collect();
            for (server, name_at) in servers.iter().zip(places) {
                let labels = server.labels();
                let owner = match name_at {
                    Some(at) => Owner::At(at),
                    None => Owner::Name(lookup.name_of(&labels)),
                };
                lookup.add_glue(reply, owner, server.addresses.iter().copied());
            }
        }
        _ => {}
    }
    Found::Exists
}

/// `dns-version`, of type TXT.
pub(crate) fn version(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Found {
    if lookup.kind == Kind::TXT {
        let data = Data::Txt(SCHEMA_VERSION);
        reply.add(Section::Answer, lookup.owner, SCHEMA_VERSION_TTL, &data);
    }
    Found::Exists
}

/// `ns.dns`: the addresses of all the zone's servers.
pub(crate) fn name_server(lookup: &Lookup<'_>, reply: &mut Reply<'_>) -> Found {
    let servers = name_servers(lookup.settings, lookup.index);
    let mut addresses: Vec<IpAddr> = servers
        .into_iter()
        .flat_map(|server| server.addresses)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    lookup.answer_addresses(reply, &addresses);
    Found::Exists
}

/// Adds the SOA record, which in this section says how long "no" may be kept.
pub(crate) fn add_authority(lookup: &Lookup<'_>, apex: Owner<'_>, reply: &mut Reply<'_>) {
    let (ttl, soa) = start_of_authority(lookup.settings, lookup.index, lookup.origin);
    reply.add(Section::Authority, apex, ttl, &soa);
}

/// The data of an SOA record and how long it may be kept.
pub(crate) fn start_of_authority<'o>(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    origin: &'o [u8],
) -> (u32, Data<'o>) {
    let soa = StartOfAuthority {
        origin,
        serial: index.serial(),
        minimum: settings.ttl,
    };
    (settings.ttl.min(MAX_AUTHORITY_TTL), Data::Soa(soa))
}

/// A server of the zone.
pub(crate) struct NameServer {
    /// Labels before the domain.
    labels: Vec<Box<[u8]>>,
    pub(crate) addresses: Vec<IpAddr>,
}

impl NameServer {
    pub(crate) fn labels(&self) -> Vec<&[u8]> {
        self.labels.iter().map(AsRef::as_ref).collect()
    }
}

/// The names that lead to this server and their addresses: the Services in front of it, and where
/// there is none, `ns.dns` with the addresses that other machines can reach.
pub(crate) fn name_servers(settings: &ZoneSettings, index: &ZoneIndex) -> Vec<NameServer> {
    let own = &settings.name_servers;
    let mut servers: Vec<NameServer> = Vec::new();
    for address in own {
        index.with_owners(*address, |slots| {
            for slot in slots {
                let server = name_server_of(slot, *address);
                if servers.iter().all(|known| known.labels != server.labels) {
                    servers.push(server);
                }
            }
        });
    }
    if servers.is_empty() {
        let reachable = own.iter().filter(|address| !address.is_loopback());
        servers.push(NameServer {
            labels: [&b"ns"[..], b"dns"].map(Box::from).into(),
            addresses: reachable.copied().collect(),
        });
    }
    servers
}

/// The Service's own name where it has virtual addresses, else that of the endpoint.
fn name_server_of(slot: &Arc<Slot>, address: IpAddr) -> NameServer {
    let entry = slot.entry.load();
    let mut labels: Vec<Box<[u8]>> = Lookup::service_labels(slot).map(Box::from).into();
    let addresses = match &entry.role {
        crate::entry::Role::Balanced { addresses, .. } => addresses.to_vec(),
        _ => {
            let endpoints = &entry.endpoints;
            let mut members = endpoints.members();
            let member = members.find(|member| endpoints.address(member) == Some(address));
            let label = member.and_then(|member| endpoints.label(member));
            match label {
                Some(label) => {
                    labels.insert(0, label.as_bytes().into());
                    endpoints
                        .addresses_of(endpoints.named(label.as_bytes()))
                        .collect()
                }
                None => Vec::new(),
            }
        }
    };
    NameServer { labels, addresses }
}
