//! One question inside the domain, and how what answers it is written down.

use std::net::IpAddr;

use tidegate_dns_wire::{Data, Kind, LowerName, Owner, Reply, Section, Target};

use crate::index::{Slot, ZoneIndex};
use crate::settings::ZoneSettings;

/// A question with everything that is needed to answer it.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    pub(crate) settings: &'a ZoneSettings,
    pub(crate) index: &'a ZoneIndex,
    pub(crate) kind: Kind,
    /// The name that is looked up: the question's, or one that aliases lead to.
    pub(crate) name: &'a LowerName,
    /// How many of its labels are before the domain.
    pub(crate) before: usize,
    /// Whose records these are.
    pub(crate) owner: Owner<'a>,
    /// The domain in the letter case of the question: names in an answer end in it, so that
    /// clients which vary the case to detect forgeries recognise their own question.
    pub(crate) origin: &'a [u8],
    /// By how many places addresses are moved on.
    pub(crate) turn: usize,
    /// The lookup whose alias led here.
    pub(crate) alias: Option<&'a Lookup<'a>>,
}

/// What became of a name.
#[derive(Debug)]
pub(crate) enum Found {
    /// It doesn't exist.
    Absent,
    /// It exists, and what it has of the type is in the reply.
    Exists,
    /// Its aliases are in the reply, and lead out of the domain to this name.
    Continues(Box<LowerName>),
}

impl Found {
    pub(crate) fn if_exists(exists: bool) -> Self {
        match exists {
            true => Self::Exists,
            false => Self::Absent,
        }
    }
}

impl<'a> Lookup<'a> {
    /// Writes a record of the name that is looked up, and says where the name in its data begins.
    pub(crate) fn answer(&self, reply: &mut Reply<'_>, data: &Data<'_>) -> Option<u16> {
        reply.add(Section::Answer, self.owner, self.settings.ttl, data)
    }

    /// Writes those addresses that the question's type asks for.
    #[inline]
    pub(crate) fn answer_addresses(&self, reply: &mut Reply<'_>, addresses: &[IpAddr]) {
        self.answer_found(reply, || addresses.iter().copied());
    }

    /// The same for addresses that have to be looked for.
    #[inline]
    pub(crate) fn answer_found<I: Iterator<Item = IpAddr>>(
        &self,
        reply: &mut Reply<'_>,
        find: impl Fn() -> I,
    ) {
        reply.answer_addresses(self.kind, self.owner, self.settings.ttl, self.turn, find);
    }

    /// Writes addresses of both families into the additional section.
    pub(crate) fn add_glue(
        &self,
        reply: &mut Reply<'_>,
        owner: Owner<'_>,
        addresses: impl Iterator<Item = IpAddr>,
    ) {
        for address in addresses {
            let data = Data::from(address);
            reply.add(Section::Additional, owner, self.settings.ttl, &data);
        }
    }

    /// The labels of a Service's name before the domain.
    pub(crate) fn service_labels(slot: &Slot) -> [&[u8]; 3] {
        let [service, namespace] = slot.labels();
        [service, namespace, b"svc"]
    }

    /// A name in the domain.
    pub(crate) fn name_of<'l>(&'l self, labels: &'l [&'l [u8]]) -> Target<'l> {
        Target {
            labels,
            rest: self.origin,
        }
    }
}
