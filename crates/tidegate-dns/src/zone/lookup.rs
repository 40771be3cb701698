//! One question inside the domain, and the records that can answer it.

use std::net::IpAddr;

use hickory_proto::rr::{Name, RData, Record, RecordType};
use tidegate_model::ServiceKey;

use super::apex;
use super::{Question, ZoneIndex, ZoneSettings};

/// What a name has of the type that was asked for; empty if the name exists without.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) answers: Vec<Record>,
    pub(super) additional: Vec<Record>,
    pub(super) continues_at: Option<Name>,
}

impl Records {
    pub(super) fn answers(answers: Vec<Record>) -> Self {
        Self {
            answers,
            ..Self::default()
        }
    }
}

/// A question with everything that is needed to answer it.
pub(super) struct Lookup<'a> {
    pub(super) settings: &'a ZoneSettings,
    pub(super) index: &'a ZoneIndex,
    pub(super) question: &'a Question,
    /// The domain in the letter case of the question: names in an answer end in it, so that
    /// clients which vary the case to detect forgeries recognise their own question.
    pub(super) origin: Name,
    /// The names whose aliases led here.
    pub(super) aliases: Vec<&'a Name>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(
        settings: &'a ZoneSettings,
        index: &'a ZoneIndex,
        question: &'a Question,
    ) -> Self {
        Self {
            settings,
            index,
            question,
            origin: settings.domain.as_written_in(&question.name),
            aliases: Vec::new(),
        }
    }

    /// The question that an alias leads to.
    pub(super) fn follow<'b>(&'b self, question: &'b Question) -> Lookup<'b> {
        let mut next = Lookup::new(self.settings, self.index, question);
        next.aliases.extend(&self.aliases);
        next.aliases.push(&self.question.name);
        next
    }

    /// A record of the name that was asked for.
    pub(super) fn record(&self, data: RData) -> Record {
        Record::from_rdata(self.question.name.clone(), self.settings.ttl, data)
    }

    /// The addresses that the question's type asks for, under the question's name.
    pub(super) fn address_records(&self, addresses: &[IpAddr]) -> Records {
        let wanted = |address: &&IpAddr| match self.question.kind {
            RecordType::A => address.is_ipv4(),
            RecordType::AAAA => address.is_ipv6(),
            _ => false,
        };
        Records::answers(
            addresses
                .iter()
                .filter(wanted)
                .map(|address| self.record(RData::from(*address)))
                .collect(),
        )
    }

    /// Addresses of both families for the additional section.
    pub(super) fn glue(&self, owner: &Name, addresses: &[IpAddr]) -> impl Iterator<Item = Record> {
        addresses
            .iter()
            .map(|address| Record::from_rdata(owner.clone(), self.settings.ttl, (*address).into()))
    }

    pub(super) fn start_of_authority(&self) -> Option<Record> {
        apex::start_of_authority(self.settings, self.index, &self.origin)
    }
}

/// The name of a Service; `None` if it would be longer than a name can be (RFC 1035, 255 octets).
pub(super) fn service_name(key: &ServiceKey, origin: &Name) -> Option<Name> {
    prefixed(&[&key.name, &key.namespace, "svc"], origin)
}

/// Labels put before a name; `None` if they don't fit.
pub(super) fn prefixed(labels: &[&str], origin: &Name) -> Option<Name> {
    Name::from_labels(labels.iter().map(|label| label.as_bytes()))
        .and_then(|name| name.append_domain(origin))
        .ok()
}
