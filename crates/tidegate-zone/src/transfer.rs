//! All records of a domain, for zone transfers.

use std::net::IpAddr;

use tidegate_dns_wire::{Data, Target};

use crate::apex;
use crate::endpoints::{Label, Port};
use crate::entry::{Role, ServiceEntry};
use crate::index::{Slot, ZoneIndex};
use crate::lookup::Lookup;
use crate::settings::{ClusterDomain, ZoneSettings};

/// One record: whose it is, for how many seconds it may be kept, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct TransferRecord<'a> {
    /// The owner.
    pub owner: Target<'a>,
    /// Seconds.
    pub ttl: u32,
    /// The data.
    pub data: Data<'a>,
}

/// Visits every record of a domain, one Service after another in the order of their names, with the
/// SOA record first and last (RFC 5936, 2.2).
///
/// As in CoreDNS a port without a name is told at its Service only, and the names of pods, which
/// spell what they lead to, aren't told at all.
pub fn transfer(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    domain: &ClusterDomain,
    visit: &mut dyn FnMut(&TransferRecord<'_>),
) {
    let origin = domain.name().as_wire();
    let mut teller = Teller {
        settings,
        origin,
        visit,
    };
    let (ttl, soa) = apex::start_of_authority(settings, index, origin);
    teller.tell(&[], ttl, soa);
    for server in apex::name_servers(settings, index) {
        let labels = server.labels();
        let name = Target {
            labels: &labels,
            rest: origin,
        };
        teller.tell(&[], settings.ttl, Data::Ns(name));
        if labels.first() == Some(&&b"ns"[..]) {
            teller.tell_addresses(&labels, server.addresses.iter().copied());
        }
    }
    let version = Data::Txt(apex::SCHEMA_VERSION);
    teller.tell(&[b"dns-version"], apex::SCHEMA_VERSION_TTL, version);
    for slot in index.all() {
        let [_, namespace] = slot.labels();
        if settings.shows(namespace) {
            teller.tell_service(&slot, &slot.entry.load());
        }
    }
    teller.tell(&[], ttl, soa);
}

struct Teller<'t> {
    settings: &'t ZoneSettings,
    origin: &'t [u8],
    visit: &'t mut dyn FnMut(&TransferRecord<'_>),
}

impl Teller<'_> {
    fn tell(&mut self, labels: &[&[u8]], ttl: u32, data: Data<'_>) {
        let rest = self.origin;
        let owner = Target { labels, rest };
        (self.visit)(&TransferRecord { owner, ttl, data });
    }

    fn tell_addresses(&mut self, labels: &[&[u8]], addresses: impl Iterator<Item = IpAddr>) {
        for address in addresses {
            self.tell(labels, self.settings.ttl, address.into());
        }
    }

    fn tell_service(&mut self, slot: &Slot, service: &ServiceEntry) {
        let labels = Lookup::service_labels(slot);
        match &service.role {
            Role::External(Some(target)) => {
                self.tell(&labels, self.settings.ttl, Data::Cname((&**target).into()));
            }
            Role::External(None) => {}
            Role::Balanced { addresses, ports } => {
                if self.settings.hides_empty_services && service.endpoints.is_empty() {
                    return;
                }
                self.tell_addresses(&labels, addresses.iter().copied());
                for (index, port) in ports.iter().enumerate() {
                    self.tell_port(slot, port, ports.get(..index), None);
                }
            }
            Role::Headless => self.tell_endpoints(slot, service),
        }
    }

    fn tell_endpoints(&mut self, slot: &Slot, service: &ServiceEntry) {
        let endpoints = &service.endpoints;
        let [of_service, namespace, svc] = Lookup::service_labels(slot);
        let own = endpoints.addresses().iter().copied();
        self.tell_addresses(&[of_service, namespace, svc], own);
        for group in endpoints.groups() {
            for member in group.members() {
                let Some(label) = endpoints.label(member) else {
                    continue;
                };
                let labels = [label.as_bytes(), of_service, namespace, svc];
                self.tell_addresses(&labels, endpoints.address(member).into_iter());
                for (index, port) in group.ports.iter().enumerate() {
                    self.tell_port(slot, port, group.ports.get(..index), Some(&label));
                }
            }
        }
    }

    /// Where a port is served: at the Service itself, or at an endpoint. Ports of one number and
    /// several protocols are told once at the Service's own name.
    fn tell_port(
        &mut self,
        slot: &Slot,
        port: &Port,
        earlier: Option<&[Port]>,
        label: Option<&Label<'_>>,
    ) {
        let [service, namespace, svc] = Lookup::service_labels(slot);
        let host = label.map(Label::as_bytes);
        let with_host = [host.unwrap_or_default(), service, namespace, svc];
        let target = Target {
            labels: with_host
                .get(usize::from(host.is_none())..)
                .unwrap_or_default(),
            rest: self.origin,
        };
        let data = Data::Srv {
            priority: 0,
            weight: 100,
            port: port.number,
            target,
        };
        let ttl = self.settings.ttl;
        let mut earlier = earlier.unwrap_or_default().iter();
        if !earlier.any(|one| one.number == port.number) {
            self.tell(&[service, namespace, svc], ttl, data);
        }
        if !port.name.is_empty() {
            let name = format!("_{}", port.name.to_ascii_lowercase());
            let protocol = format!("_{}", port.protocol.lower_name());
            let labels = [
                name.as_bytes(),
                protocol.as_bytes(),
                service,
                namespace,
                svc,
            ];
            self.tell(&labels, ttl, data);
        }
    }
}
