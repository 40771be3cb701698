//! The ready endpoints of one Service and the names that they have.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use tidegate_model::{Endpoint, EndpointPort, EndpointSlice, Protocol};

use crate::label::{SpelledAddress, spelled};
use crate::settings::EndpointLabels;

/// Stands for no label or no zone.
const NONE: u32 = u32::MAX;

/// Endpoints, held small: there may be a hundred thousand of them.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    /// Every address once.
    addresses: Box<[IpAddr]>,
    groups: Box<[Group]>,
    /// The labels that pods asked for, in lower case.
    labels: Box<[Box<[u8]>]>,
    zones: Box<[Box<str>]>,
    /// Whether a label leads to more than one member, so that repetitions have to be left out.
    repeats: bool,
}

/// The endpoints of one slice: all on the same ports.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) ports: Box<[Port]>,
    members: Box<[Member]>,
}

/// A port by which SRV records find it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Port {
    /// Empty for the unnamed one.
    pub(crate) name: Box<str>,
    pub(crate) protocol: Protocol,
    pub(crate) number: u16,
}

/// One endpoint, by places in the lists above.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    address: u32,
    label: u32,
    zone: u32,
}

/// The label of an endpoint below its Service's name.
#[derive(Clone, Copy)]
pub(crate) enum Label<'a> {
    /// The one that its pod asked for.
    Given(&'a [u8]),
    /// Its address.
    Spelled(SpelledAddress),
}

impl Label<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Given(label) => label,
            Self::Spelled(address) => address.as_bytes(),
        }
    }
}

impl Endpoints {
    pub(crate) fn of<'a>(
        slices: impl IntoIterator<Item = &'a EndpointSlice>,
        labels: EndpointLabels,
    ) -> Self {
        let mut builder = Builder::default();
        for slice in slices {
            let ready = slice.endpoints.iter().filter(|endpoint| endpoint.ready);
            let members: Box<[Member]> = ready
                .filter_map(|endpoint| builder.member(endpoint, labels))
                .collect();
            if !members.is_empty() {
                let ports = slice.ports.iter().map(Port::from).collect();
                builder.groups.push(Group { ports, members });
            }
        }
        builder.finish()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// Whether a label leads to more than one member.
    pub(crate) fn has_repetitions(&self) -> bool {
        self.repeats
    }

    /// Every address once.
    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.groups.iter().flat_map(Group::members)
    }

    pub(crate) fn address(&self, member: &Member) -> Option<IpAddr> {
        self.addresses.get(member.address as usize).copied()
    }

    pub(crate) fn label(&self, member: &Member) -> Option<Label<'_>> {
        match self.labels.get(member.label as usize) {
            Some(label) => Some(Label::Given(label)),
            None => Some(Label::Spelled(SpelledAddress::of(self.address(member)?))),
        }
    }

    pub(crate) fn is_in_zone(&self, member: &Member, zone: &[u8]) -> bool {
        let its = self.zones.get(member.zone as usize);
        its.is_some_and(|its| its.as_bytes().eq_ignore_ascii_case(zone))
    }

    /// Tells whether a member has a label in lower case.
    pub(crate) fn named<'a>(&'a self, label: &'a [u8]) -> impl Fn(&Member) -> bool + 'a {
        let address =
            spelled(label).filter(|address| SpelledAddress::of(*address).as_bytes() == label);
        move |member| match self.labels.get(member.label as usize) {
            Some(its) => **its == *label,
            None => address.is_some() && self.address(member) == address,
        }
    }

    /// The addresses of some members, each once.
    pub(crate) fn addresses_of<'a>(
        &'a self,
        wanted: impl Fn(&Member) -> bool + 'a,
    ) -> impl Iterator<Item = IpAddr> + 'a {
        let mut seen: HashSet<u32> = HashSet::new();
        let members = self.members().filter(move |member| wanted(member));
        let once = members.filter(move |member| !self.repeats || seen.insert(member.address));
        once.filter_map(|member| self.address(member))
    }
}

impl Group {
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }
}

impl From<&EndpointPort> for Port {
    fn from(port: &EndpointPort) -> Self {
        Self {
            name: port.name.as_str().into(),
            protocol: port.protocol,
            number: port.port,
        }
    }
}

#[derive(Default)]
struct Builder<'a> {
    addresses: Vec<IpAddr>,
    place_of: HashMap<IpAddr, u32>,
    groups: Vec<Group>,
    labels: Vec<Box<[u8]>>,
    label_of: HashMap<Box<[u8]>, u32>,
    zones: Vec<&'a str>,
    /// What labels have been given out, by label or by address.
    used: HashSet<(u32, u32)>,
    repeats: bool,
}

impl<'a> Builder<'a> {
    /// `None` for what no name can hold.
    fn member(&mut self, endpoint: &'a Endpoint, labels: EndpointLabels) -> Option<Member> {
        let label = match given(endpoint, labels) {
            Some(label) if label.contains('.') || label.len() > 63 => return None,
            Some(label) => self.label(label.to_ascii_lowercase().into_bytes().into()),
            None => NONE,
        };
        let next = u32::try_from(self.addresses.len()).ok()?;
        let address = *self.place_of.entry(endpoint.ip).or_insert(next);
        if address == next {
            self.addresses.push(endpoint.ip);
        }
        let identity = if label == NONE {
            (NONE, address)
        } else {
            (label, NONE)
        };
        self.repeats |= !self.used.insert(identity);
        Some(Member {
            address,
            label,
            zone: endpoint
                .zone
                .as_deref()
                .map_or(NONE, |zone| self.zone(zone)),
        })
    }

    fn label(&mut self, label: Box<[u8]>) -> u32 {
        // A label may spell the very address of another endpoint, which then is a repetition too.
        self.repeats |= spelled(&label).is_some();
        let next = self.labels.len() as u32;
        let place = *self.label_of.entry(label.clone()).or_insert(next);
        if place == next {
            self.labels.push(label);
        }
        place
    }

    fn zone(&mut self, zone: &'a str) -> u32 {
        let known = self.zones.iter().position(|one| *one == zone);
        known.unwrap_or_else(|| {
            self.zones.push(zone);
            self.zones.len() - 1
        }) as u32
    }

    fn finish(self) -> Endpoints {
        Endpoints {
            addresses: self.addresses.into(),
            groups: self.groups.into(),
            labels: self.labels.into(),
            zones: self.zones.into_iter().map(Into::into).collect(),
            repeats: self.repeats,
        }
    }
}

/// The label that an endpoint has, unless it is its address.
fn given(endpoint: &Endpoint, labels: EndpointLabels) -> Option<&str> {
    let pod = match labels {
        EndpointLabels::PodName => endpoint.pod.as_deref(),
        EndpointLabels::Address | EndpointLabels::Nothing => None,
    };
    let hostname = endpoint.hostname.as_deref();
    hostname.or(pod.filter(|name| name.len() <= 63 && !name.contains('.')))
}
