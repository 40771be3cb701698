//! The records of the zone itself: SOA, NS, its version, and the names of its servers.

use std::net::IpAddr;

use hickory_proto::rr::rdata::{NS, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tidegate_model::IpFamily;

use super::lookup::{Lookup, Records, prefixed, service_name};
use super::reverse_index::Owner;
use super::service_entry::Role;
use super::{ZoneIndex, ZoneSettings};

/// The version of the record schema, and how long it may be kept (eight hours, as in CoreDNS).
const SCHEMA_VERSION: &str = "1.1.0";
const SCHEMA_VERSION_TTL: u32 = 28_800;

/// The longest that an SOA record may be kept, in seconds.
const MAX_AUTHORITY_TTL: u32 = 300;

/// The domain's own name.
pub(super) fn records(lookup: &Lookup<'_>) -> Records {
    match lookup.question.kind {
        RecordType::SOA => Records::answers(lookup.start_of_authority().into_iter().collect()),
        RecordType::NS => {
            let servers = name_servers(lookup);
            let mut records = Records::default();
            for (name, addresses) in servers {
                records.additional.extend(lookup.glue(&name, &addresses));
                records.answers.push(lookup.record(RData::NS(NS(name))));
            }
            records
        }
        _ => Records::default(),
    }
}

/// `dns-version`, of type TXT.
pub(super) fn version(lookup: &Lookup<'_>) -> Records {
    if lookup.question.kind != RecordType::TXT {
        return Records::default();
    }
    let text = TXT::new(vec![SCHEMA_VERSION.to_owned()]);
    let mut record = lookup.record(RData::TXT(text));
    record.ttl = SCHEMA_VERSION_TTL;
    Records::answers(vec![record])
}

/// `ns.dns`: the addresses of all the zone's servers.
pub(super) fn name_server(lookup: &Lookup<'_>) -> Records {
    let mut addresses: Vec<IpAddr> = name_servers(lookup)
        .into_iter()
        .flat_map(|(_, addresses)| addresses)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    lookup.address_records(&addresses)
}

/// The SOA record of a zone; in the authority section it says how long "no" may be kept.
pub(super) fn start_of_authority(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    origin: &Name,
) -> Option<Record> {
    let server = prefixed(&["ns", "dns"], origin)?;
    let mailbox = prefixed(&["hostmaster"], origin)?;
    let data = SOA::new(
        server,
        mailbox,
        index.serial(),
        7200,
        1800,
        86_400,
        settings.ttl,
    );
    let ttl = settings.ttl.min(MAX_AUTHORITY_TTL);
    Some(Record::from_rdata(origin.clone(), ttl, RData::SOA(data)))
}

/// The SOA record for reverse names, whose zone is the whole of the family's tree.
pub(super) fn reverse_authority(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    family: IpFamily,
) -> Option<Record> {
    let tree = match family {
        IpFamily::V4 => "in-addr",
        IpFamily::V6 => "ip6",
    };
    start_of_authority(settings, index, &prefixed(&[tree, "arpa"], &Name::root())?)
}

/// The names that lead to this server and their addresses: the Services in front of it, and where
/// there is none, `ns.dns` with the addresses that other machines can reach.
fn name_servers(lookup: &Lookup<'_>) -> Vec<(Name, Vec<IpAddr>)> {
    let own = &lookup.settings.name_servers;
    let mut servers: Vec<(Name, Vec<IpAddr>)> = Vec::new();
    for owner in own.iter().flat_map(|address| lookup.index.owners(*address)) {
        if let Some(server) = name_server_of(lookup, owner)
            && !servers.iter().any(|(name, _)| *name == server.0)
        {
            servers.push(server);
        }
    }
    if servers.is_empty()
        && let Some(name) = prefixed(&["ns", "dns"], &lookup.origin)
    {
        let reachable = own.iter().filter(|address| !address.is_loopback());
        servers.push((name, reachable.copied().collect()));
    }
    servers
}

fn name_server_of(lookup: &Lookup<'_>, owner: &Owner) -> Option<(Name, Vec<IpAddr>)> {
    let (Owner::Virtual(key) | Owner::Endpoint(key, _)) = owner;
    let service = lookup.index.service(&key.namespace, &key.name)?;
    let name = service_name(key, &lookup.origin)?;
    match (&service.role, owner) {
        (Role::Headless, Owner::Endpoint(_, label)) => {
            let addresses = service.endpoints.host(label)?.addresses.clone();
            Some((prefixed(&[label], &name)?, addresses))
        }
        _ => Some((name, service.addresses().to_vec())),
    }
}
