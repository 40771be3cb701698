//! Reverse names: from an address to the names that lead to it.

use std::net::IpAddr;

use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use ipnet::IpNet;
use tidegate_model::IpFamily;

use super::lookup::{Records, prefixed, service_name};
use super::reverse_index::Owner;
use super::{Question, ZoneIndex, ZoneSettings};

/// What a name below `in-addr.arpa` or `ip6.arpa` stands for: an address, or the network of all
/// addresses whose names end in it.
pub(super) struct Reverse(IpNet);

impl Reverse {
    /// Reads a reverse name; `None` if it's another name, or one that spells its numbers in a way
    /// that no reverse name does (`007`, `+1`).
    pub(super) fn read(name: &Name) -> Option<Self> {
        let network = name.parse_arpa_name().ok()?;
        name.zone_of(&Name::from(network.addr()))
            .then_some(Self(network))
    }

    pub(super) fn network(&self) -> IpNet {
        self.0
    }

    pub(super) fn family(&self) -> IpFamily {
        IpFamily::of(self.0.addr())
    }

    fn address(&self) -> Option<IpAddr> {
        (self.0.prefix_len() == self.0.max_prefix_len()).then(|| self.0.addr())
    }
}

/// Looks an address up; `None` if nobody in the cluster has it.
///
/// A cluster IP leads to the first Service that has it and to nothing else. The address of a pod
/// leads to one name in every Service that the pod belongs to.
pub(super) fn find(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    question: &Question,
    reverse: &Reverse,
) -> Option<Records> {
    let Some(address) = reverse.address() else {
        // The parent of reverse names in a network of ours exists without records of its own.
        return settings.owns(reverse).then(Records::default);
    };
    let mut owners = index.owners(address).peekable();
    let how_many = match owners.peek()? {
        Owner::Virtual(_) => 1,
        Owner::Endpoint(..) => usize::MAX,
    };
    if question.kind != RecordType::PTR {
        return Some(Records::default());
    }
    let record =
        |name: Name| Record::from_rdata(question.name.clone(), settings.ttl, RData::PTR(PTR(name)));
    let names = owners
        .take(how_many)
        .filter_map(|owner| owner_name(owner, settings.domain.name()));
    Some(Records::answers(names.map(record).collect()))
}

fn owner_name(owner: &Owner, origin: &Name) -> Option<Name> {
    match owner {
        Owner::Virtual(service) => service_name(service, origin),
        Owner::Endpoint(service, label) => prefixed(&[label], &service_name(service, origin)?),
    }
}
