//! Whole zones for those who may have them (RFC 5936).

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use tidegate_dns_wire::{Code, Kind, LowerName, Owner, Query, Reply, Section, Transport};
use tidegate_zone::TransferRecord;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Asked, Block};

/// How long the messages of a transfer are at most: short enough that names near the end can be
/// pointed to, and that a signature fits behind.
const MESSAGE: usize = 16_000;

/// How many transfers of a server block may be under way. Each of them holds the whole zone in memory
/// until its client has read it. BIND's limit is ten (`transfers-out`).
const MOST_AT_ONCE: usize = 8;

/// Who may have which zones, and how many may have them at the same time.
#[derive(Debug)]
pub(super) struct Transfers {
    permissions: Vec<Permission>,
    places: Arc<Semaphore>,
}

/// Zones and those who may have them.
#[derive(Debug)]
pub(super) struct Permission {
    pub(super) zones: Vec<LowerName>,
    pub(super) clients: Vec<IpNet>,
}

impl Transfers {
    pub(super) fn new(permissions: Vec<Permission>) -> Self {
        Self {
            permissions,
            places: Arc::new(Semaphore::new(MOST_AT_ONCE)),
        }
    }

    fn allow(&self, zone: &LowerName, client: IpAddr) -> bool {
        self.permissions.iter().any(|permission| {
            let mut zones = permission.zones.iter();
            zones.any(|one| zone.labels_before(one).is_some())
                && permission
                    .clients
                    .iter()
                    .any(|network| network.contains(&client))
        })
    }
}

impl Block {
    /// The messages of a transfer, or one that refuses it.
    ///
    /// A question for what changed since some version is answered with everything (RFC 1995, 4);
    /// over UDP it gets the version alone, upon which the client comes back over TCP. Everything comes
    /// with the place that the transfer has until it is sent.
    pub(super) fn transfer(
        &self,
        asked: &Asked<'_>,
    ) -> (Vec<Vec<u8>>, Option<OwnedSemaphorePermit>) {
        let query = asked.query;
        let refused = |code| {
            let mut out = Vec::new();
            Reply::refuse(query, code, &mut out);
            (vec![out], None)
        };
        let Some(cluster) = &self.cluster else {
            return refused(Code::REFUSED);
        };
        let mut domains = cluster.settings.domains.iter();
        let Some(domain) = domains.find(|domain| *domain.name() == query.name) else {
            return refused(Code::NOT_AUTHORITATIVE);
        };
        let client = asked.origin.client.ip().to_canonical();
        let is_allowed = self.transfers.allow(&query.name, client);
        if !is_allowed || query.transport == Transport::Udp && query.kind == Kind::AXFR {
            return refused(Code::REFUSED);
        }
        if !cluster.index.is_synced() {
            return refused(Code::SERVER_FAILURE);
        }
        let is_version_only = query.transport == Transport::Udp;
        let place = match is_version_only {
            true => None,
            false => match Arc::clone(&self.transfers.places).try_acquire_owned() {
                Ok(place) => Some(place),
                Err(_) => {
                    tracing::info!(zone = %query.name, %client, "a transfer is refused: {MOST_AT_ONCE} are under way");
                    return refused(Code::REFUSED);
                }
            },
        };
        let mut writer = Writer {
            query,
            messages: Vec::new(),
        };
        tidegate_zone::transfer(&cluster.settings, &cluster.index, domain, &mut |record| {
            if !is_version_only || writer.messages.is_empty() {
                writer.add(record);
            }
        });
        tracing::info!(zone = %query.name, %client, messages = writer.messages.len(), "a zone was transferred");
        (writer.finish(), place)
    }
}

/// Messages in the making: their records, and how many.
struct Writer<'q> {
    query: &'q Query<'q>,
    messages: Vec<(Vec<u8>, u16)>,
}

impl Writer<'_> {
    fn add(&mut self, record: &TransferRecord<'_>) {
        let mut octets = Vec::with_capacity(128);
        let owner = Owner::Name(record.owner);
        Reply::to(self.query, &mut octets).add(Section::Answer, owner, record.ttl, &record.data);
        let start = tidegate_dns_wire::HEADER + self.query.question().len();
        let record = octets.get(start..).unwrap_or_default();
        match self.messages.last_mut() {
            Some((body, count)) if body.len() + record.len() <= MESSAGE => {
                body.extend(record);
                *count += 1;
            }
            _ => self.messages.push((record.to_vec(), 1)),
        }
    }

    fn finish(self) -> Vec<Vec<u8>> {
        let finished = self.messages.into_iter().map(|(body, count)| {
            let mut out = Vec::with_capacity(body.len() + 300);
            let mut reply = Reply::passing_on(self.query, &mut out);
            reply.set_authoritative();
            reply.add_body([count, 0, 0], |out| out.extend(&body));
            reply.finish();
            out
        });
        finished.collect()
    }
}
