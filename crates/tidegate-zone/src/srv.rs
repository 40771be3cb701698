//! SRV records: where the ports of a Service are served.

use std::collections::HashSet;

use tidegate_dns_wire::{Data, Owner, Reply};

use crate::endpoints::{Endpoints, Member, Port};
use crate::entry::{Role, ServiceEntry};
use crate::index::Slot;
use crate::lookup::Lookup;

/// For how many targets it is noted where their names are in the reply, so that their addresses
/// can point there. A reply over UDP has far fewer.
const NOTED: usize = 64;

/// One SRV for every target and wanted port, with the targets' addresses in the additional section:
/// of the Service itself and its own ports, or of its endpoints and theirs.
///
/// The weights are CoreDNS's: an even share of 100 for every place, counted before repetitions
/// are left out.
pub(crate) fn of_service(
    lookup: &Lookup<'_>,
    slot: &Slot,
    service: &ServiceEntry,
    wanted: impl Fn(&Port) -> bool,
    reply: &mut Reply<'_>,
) {
    match &service.role {
        Role::Headless => {
            of_endpoints(
                lookup,
                slot,
                &service.endpoints,
                &wanted,
                &|_: &Member| true,
                reply,
            );
        }
        Role::Balanced { addresses, ports } => {
            let places = ports.iter().filter(|port| wanted(port)).count() * addresses.len();
            let mut writer = Writer::new(lookup, slot, places, reply);
            let mut name_at = None;
            for (index, port) in ports.iter().enumerate() {
                let mut earlier = ports.iter().take(index).filter(|one| wanted(one));
                if wanted(port) && !earlier.any(|one| one.number == port.number) {
                    name_at = name_at.or(writer.answer(None, port.number));
                }
            }
            writer.glue(name_at, None, addresses.iter().copied());
        }
        Role::External(_) => {}
    }
}

/// The same for some endpoints.
pub(crate) fn of_endpoints(
    lookup: &Lookup<'_>,
    slot: &Slot,
    endpoints: &Endpoints,
    wanted: &impl Fn(&Port) -> bool,
    is_meant: &impl Fn(&Member) -> bool,
    reply: &mut Reply<'_>,
) {
    let places = endpoints.groups().iter().map(|group| {
        let ports = group.ports.iter().filter(|port| wanted(port)).count();
        ports * group.members().filter(|member| is_meant(member)).count()
    });
    let mut writer = Writer::new(lookup, slot, places.sum(), reply);
    let meant = || {
        let groups = endpoints.groups().iter();
        let groups = groups.filter(|group| group.ports.iter().any(wanted));
        groups.flat_map(|group| {
            let members = group.members().filter(|member| is_meant(member));
            members.filter_map(move |member| Some((group, member, endpoints.label(member)?)))
        })
    };
    let repeats = endpoints.has_repetitions();
    let mut noted = [None; NOTED];
    let mut known_ports = HashSet::new();
    for (index, (group, _, label)) in meant().enumerate() {
        for port in group.ports.iter().filter(|port| wanted(port)) {
            if repeats && !known_ports.insert((label.as_bytes().to_vec(), port.number)) {
                continue;
            }
            let name_at = writer.answer(Some(label.as_bytes()), port.number);
            if let Some(place @ None) = noted.get_mut(index) {
                *place = name_at;
            }
        }
    }
    let mut known_targets = HashSet::new();
    for (index, (_, member, label)) in meant().enumerate() {
        let label = label.as_bytes();
        let name_at = noted.get(index).copied().flatten();
        if !repeats {
            let address = endpoints.address(member);
            writer.glue(name_at, Some(label), address.into_iter());
        } else if known_targets.insert(label.to_vec()) {
            let all = endpoints.addresses_of(endpoints.named(label));
            writer.glue(name_at, Some(label), all);
        }
    }
}

/// Writes the records of one answer.
struct Writer<'w, 'a, 'r> {
    lookup: &'w Lookup<'a>,
    labels: [&'w [u8]; 3],
    weight: u16,
    reply: &'w mut Reply<'r>,
}

impl<'w, 'a, 'r> Writer<'w, 'a, 'r> {
    fn new(
        lookup: &'w Lookup<'a>,
        slot: &'w Slot,
        places: usize,
        reply: &'w mut Reply<'r>,
    ) -> Self {
        let share = 100_usize.checked_div(places).unwrap_or_default().max(1);
        Self {
            lookup,
            labels: Lookup::service_labels(slot),
            weight: u16::try_from(share).unwrap_or(u16::MAX),
            reply,
        }
    }

    /// Says where a port is: at the Service, or at the host of a label. Gives the place of the
    /// target's name in the reply.
    fn answer(&mut self, label: Option<&[u8]>, port: u16) -> Option<u16> {
        let [service, namespace, svc] = self.labels;
        let with_host = [label.unwrap_or_default(), service, namespace, svc];
        let labels = with_host
            .get(usize::from(label.is_none())..)
            .unwrap_or_default();
        let data = Data::Srv {
            priority: 0,
            weight: self.weight,
            port,
            target: self.lookup.name_of(labels),
        };
        self.lookup.answer(self.reply, &data)
    }

    /// Adds the addresses of a target.
    fn glue(
        &mut self,
        name_at: Option<u16>,
        label: Option<&[u8]>,
        addresses: impl Iterator<Item = std::net::IpAddr>,
    ) {
        let [service, namespace, svc] = self.labels;
        let with_host = [label.unwrap_or_default(), service, namespace, svc];
        let labels = with_host
            .get(usize::from(label.is_none())..)
            .unwrap_or_default();
        let owner = match name_at {
            Some(at) => Owner::At(at),
            None => Owner::Name(self.lookup.name_of(labels)),
        };
        self.lookup.add_glue(self.reply, owner, addresses);
    }
}
