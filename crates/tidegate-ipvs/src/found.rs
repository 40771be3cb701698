//! What the kernel has at this moment, and which of it is ours.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use tidegate_dataplane::DataplaneError;
use tidegate_model::{IpFamily, Protocol};
use tidegate_netlink::ipset::{Element, SetFound};
use tidegate_netlink::ipvs::{Ipvs, RealServerFound, VirtualAddress, VirtualServer};
use tidegate_netlink::links::{Link, Scope};

use crate::IpvsOptions;
use crate::content::Placed;
use crate::error::{of_ipset, of_socket};
use crate::marks;
use crate::requirements::Kernel;
use crate::sets::SetId;

/// So many virtual servers the kernel tells at once, and leaves none out: a few hundred octets each, in
/// a page at least.
const TOLD_AT_ONCE: usize = 8;

/// What there is of both families.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The addresses of our device.
    pub(crate) virtual_addresses: BTreeSet<IpAddr>,
    /// The addresses of all other devices.
    pub(crate) node_addresses: BTreeSet<IpAddr>,
    pub(crate) sets: Vec<SetFound>,
    /// All virtual servers, those of others too.
    servers: Vec<VirtualServer>,
}

/// A virtual server with its real servers and their connections.
#[derive(Clone, Debug)]
pub(crate) struct ServerFound {
    pub(crate) virtual_server: VirtualServer,
    pub(crate) real_servers: Vec<RealServerFound>,
}

impl Found {
    /// Reads the kernel; without our device nothing can be on it.
    pub(crate) fn read(kernel: &mut Kernel, link: Option<&Link>) -> Result<Self, DataplaneError> {
        let addresses = kernel.links.addresses();
        let addresses = addresses.map_err(|error| of_socket("listing addresses", error))?;
        let is_ours = |index: u32| link.is_some_and(|link| link.index == index);
        let (ours, others): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|one| is_ours(one.link));
        let ours = ours.iter().filter(|one| one.scope != Scope::Link);
        let sets = kernel.ipset.sets();
        let servers = kernel.ipvs.virtual_servers();
        Ok(Self {
            virtual_addresses: ours.map(|one| one.address).collect(),
            node_addresses: others.iter().map(|one| one.address).collect(),
            sets: sets.map_err(|error| of_ipset("listing sets", error))?,
            servers: servers.map_err(|error| of_socket("listing virtual servers", error))?,
        })
    }

    /// The addresses of our device of one family.
    pub(crate) fn virtual_addresses_of(&self, family: IpFamily) -> impl Iterator<Item = IpAddr> {
        let addresses = self.virtual_addresses.iter().copied();
        addresses.filter(move |address| IpFamily::of(*address) == family)
    }

    /// The virtual servers of a family that are ours, with their real servers. Those of `wanted` are
    /// among them for sure if they are there: the kernel may have left some out of a long list.
    pub(crate) fn our_servers<'w>(
        &self,
        ipvs: &mut Ipvs,
        family: IpFamily,
        claims: &Claims<'_>,
        wanted: impl Iterator<Item = &'w VirtualAddress>,
    ) -> Result<BTreeMap<VirtualAddress, ServerFound>, DataplaneError> {
        let mut ours = BTreeMap::new();
        for virtual_server in self.servers.iter().chain(&self.left_out(ipvs, wanted)?) {
            let address = virtual_server.address;
            if address.family() != crate::family(family) || !claims.own(&address, self) {
                continue;
            }
            let real_servers = ipvs.real_servers(&address);
            let real_servers =
                real_servers.map_err(|error| of_socket("listing real servers", error))?;
            let found = ServerFound {
                virtual_server: virtual_server.clone(),
                real_servers,
            };
            ours.insert(address, found);
        }
        Ok(ours)
    }

    /// Those of the wanted virtual servers that are there and not in the list.
    fn left_out<'w>(
        &self,
        ipvs: &mut Ipvs,
        wanted: impl Iterator<Item = &'w VirtualAddress>,
    ) -> Result<Vec<VirtualServer>, DataplaneError> {
        if self.servers.len() <= TOLD_AT_ONCE {
            return Ok(Vec::new());
        }
        let listed: HashSet<_> = self.servers.iter().map(|one| one.address).collect();
        let asked = wanted.filter(|address| !listed.contains(address));
        let found = asked.map(|address| ipvs.virtual_server(address));
        let found: Result<Vec<_>, _> = found.filter_map(Result::transpose).collect();
        found.map_err(|error| of_socket("looking for a virtual server", error))
    }
}

/// What makes a virtual server ours.
///
/// One on an address of our device is; one that our sets name is; one with a mark of ours is.
/// Everything else was made by somebody else.
pub(crate) struct Claims<'a> {
    /// The elements of our sets, in the kernel, before anything is changed.
    pub(crate) elements: &'a BTreeSet<Placed>,
    /// Virtual servers that we have left in place while they have connections.
    pub(crate) draining: &'a BTreeMap<VirtualAddress, Protocol>,
    /// They say what is other people's whatever it looks like.
    pub(crate) options: &'a IpvsOptions,
}

/// The sets whose elements are frontends on addresses that we don't put on our device.
const NAMING: [SetId; 6] = [
    SetId::ExternalIp,
    SetId::ExternalIpLocal,
    SetId::LoadBalancer,
    SetId::NodePortReject,
    SetId::LocalDrop,
    SetId::LocalInside,
];

impl Claims<'_> {
    fn own(&self, of: &VirtualAddress, found: &Found) -> bool {
        let (protocol, address) = match of {
            VirtualAddress::Mark { mark, .. } => return marks::is_ours(*mark),
            VirtualAddress::Port { protocol, address } => (*protocol, *address),
        };
        if self.options.excludes(address.ip()) {
            return false;
        }
        let by_address = Element::IpPort(address.ip(), protocol, address.port());
        let by_port = Element::Port(address.port());
        let has = |set: SetId, element: Element| {
            let of_set = Placed {
                set,
                entry: element.into(),
            };
            let next = self.elements.range(of_set..).next();
            next.is_some_and(|found| found.set == set && found.entry.element == element)
        };
        let model = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
            .into_iter()
            .find(|one| one.number() == protocol.0);
        found.virtual_addresses.contains(&address.ip())
            || self.draining.contains_key(of)
            || NAMING.iter().any(|set| has(*set, by_address))
            || model.is_some_and(|protocol| {
                let set = SetId::NodePort(protocol);
                has(set, by_port) || has(set, by_address)
            })
    }
}
