//! From the plan of one Service to the objects in the kernel that make it work.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use tidegate_model::{ExternalIp, IpFamily, LoadBalancerIp, NodePort, Protocol};
use tidegate_netlink::ipset::{Element, Entry, Mark};
use tidegate_netlink::ipvs::{RealServer, VirtualAddress, VirtualServer};
use tidegate_plan::{
    Backend, Decision, Frontend, FrontendAddress, Masquerade, PortPlan, ServicePlan, Sources,
};

use crate::IpvsOptions;
use crate::addresses::NodeAddresses;
use crate::marks::Marks;
use crate::scheduler::{Memory, virtual_server};
use crate::sets::SetId;

/// What one Service needs in one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// The addresses that this node must have for packets to them to meet IPVS.
    pub(crate) addresses: BTreeSet<IpAddr>,
    pub(crate) servers: Vec<Server>,
    pub(crate) elements: BTreeSet<Placed>,
    /// Ports whose connections from inside go where those from outside do, since there was no mark
    /// left for them.
    pub(crate) unmarked: Vec<String>,
}

/// A virtual server with its real servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) virtual_server: VirtualServer,
    pub(crate) real_servers: Vec<RealServer>,
    /// Of its connections.
    pub(crate) protocol: Protocol,
}

/// An entry of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Placed {
    pub(crate) set: SetId,
    pub(crate) entry: Entry,
}

/// What a Service's objects depend on besides its plan.
pub(crate) struct Surroundings<'a> {
    pub(crate) addresses: &'a NodeAddresses,
    pub(crate) options: &'a IpvsOptions,
    pub(crate) marks: &'a mut Marks,
}

impl Content {
    /// Everything that a Service's plan asks for.
    pub(crate) fn of(plan: &ServicePlan, around: &mut Surroundings<'_>) -> Self {
        let mut content = Self::default();
        for ip in &plan.cluster_ips {
            content.add_virtual_address(ip.0, around);
            content.add(SetId::ServiceIps, Element::Ip(ip.0));
        }
        if let Some(NodePort(port)) = plan.health_check_node_port {
            content.add(SetId::HealthCheckNodePort, Element::Port(port));
        }
        for port in &plan.ports {
            content.add_port(plan.key.family, port, around);
        }
        content
    }

    fn add_port(&mut self, family: IpFamily, port: &PortPlan, around: &mut Surroundings<'_>) {
        for backend in port.cluster_backends.iter().chain(&port.local_backends) {
            if backend.local {
                let ip = backend.addr.ip;
                let protocol = wire(port.name.protocol);
                let element = Element::IpPortIp(ip, protocol, backend.addr.port, ip);
                self.add(SetId::LoopBack, element);
            }
        }
        let (addresses, options) = (around.addresses, around.options);
        let places = |frontend: &Frontend| places(frontend, addresses, options);
        let count: usize = port.frontends.iter().map(|one| places(one).len()).sum();
        let memory = match count {
            0 | 1 => Memory::OfOne,
            _ => Memory::OfSeveral,
        };
        let mut inside = None;
        for frontend in &port.frontends {
            let outside = backends(port, frontend.outside);
            for place in places(frontend) {
                let address = VirtualAddress::Port {
                    protocol: wire(port.name.protocol),
                    address: place,
                };
                self.add_server(address, port, outside, &around.options.scheduler, memory);
            }
            let mark = match goes_elsewhere_inside(port, frontend) {
                true => self.mark(port, around),
                false => None,
            };
            if let Some(mark) = mark {
                inside = Some((mark, backends(port, frontend.inside)));
            }
            self.add_frontend(port.name.protocol, frontend, mark, around);
        }
        if let Some((mark, backends)) = inside {
            let address = VirtualAddress::Mark {
                mark,
                family: crate::family(family),
            };
            self.add_server(
                address,
                port,
                backends,
                &around.options.scheduler,
                Memory::None,
            );
        }
    }

    fn mark(&mut self, port: &PortPlan, around: &mut Surroundings<'_>) -> Option<u32> {
        let mark = around.marks.of(&port.name);
        if mark.is_none() {
            self.unmarked.push(port.name.to_string());
        }
        mark
    }

    fn add_server(
        &mut self,
        address: VirtualAddress,
        port: &PortPlan,
        backends: &[Backend],
        scheduler: &str,
        memory: Memory,
    ) {
        let real_server = |backend: &Backend| {
            let address = SocketAddr::new(backend.addr.ip, backend.addr.port);
            RealServer::masqueraded(address, backend.weight)
        };
        self.servers.push(Server {
            virtual_server: virtual_server(address, port, backends, scheduler, memory),
            real_servers: backends.iter().map(real_server).collect(),
            protocol: port.name.protocol,
        });
    }

    /// What a frontend needs besides its virtual server.
    fn add_frontend(
        &mut self,
        protocol: Protocol,
        frontend: &Frontend,
        mark: Option<u32>,
        around: &Surroundings<'_>,
    ) {
        if let FrontendAddress::ExternalIp(ExternalIp(ip))
        | FrontendAddress::LoadBalancerIp(LoadBalancerIp(ip)) = frontend.address
        {
            self.add_external_address(ip, around);
        }
        let decisions = [frontend.outside, frontend.inside];
        let is_served = decisions
            .iter()
            .any(|one| matches!(one, Decision::Balance(_)));
        let keeps_source = frontend.masquerade == Masquerade::FromThisNode;
        let places = places(frontend, around.addresses, around.options);
        for place in places {
            let element = Element::IpPort(place.ip(), wire(protocol), place.port());
            match (frontend.address, is_served) {
                (FrontendAddress::ClusterIp(_), true) => self.add(SetId::ClusterIp, element),
                (FrontendAddress::ExternalIp(_), true) if keeps_source => {
                    self.add(SetId::ExternalIpLocal, element);
                }
                (FrontendAddress::ExternalIp(_), true) => self.add(SetId::ExternalIp, element),
                (FrontendAddress::LoadBalancerIp(_), true) => {
                    self.add(SetId::LoadBalancer, element);
                    if keeps_source {
                        self.add(SetId::LoadBalancerLocal, element);
                    }
                }
                (FrontendAddress::NodePort(_), _) => {
                    self.add_node_port(protocol, element, keeps_source);
                }
                (_, false) => {}
            }
            if frontend.outside == Decision::Reject && around.addresses.all.contains(&place.ip()) {
                self.add(SetId::NodePortReject, element);
            }
            if frontend.outside == Decision::Drop {
                self.add(SetId::LocalDrop, element);
            }
            if let Some(value) = mark {
                let mask = u32::MAX;
                let mark = Some(Mark { value, mask });
                self.elements.insert(Placed {
                    set: SetId::LocalInside,
                    entry: Entry { element, mark },
                });
            }
            if let Sources::Only(ranges) = &frontend.sources {
                self.add_ranges(place, protocol, ranges);
            }
        }
    }

    fn add_node_port(&mut self, protocol: Protocol, by_address: Element, keeps_source: bool) {
        let element = match by_address {
            Element::IpPort(_, _, port) if protocol != Protocol::Sctp => Element::Port(port),
            by_address => by_address,
        };
        self.add(SetId::NodePort(protocol), element);
        if keeps_source {
            self.add(SetId::NodePortLocal(protocol), element);
        }
    }

    /// Who may use a frontend.
    fn add_ranges(&mut self, place: SocketAddr, protocol: Protocol, ranges: &[IpNet]) {
        let (ip, protocol, port) = (place.ip(), wire(protocol), place.port());
        self.add(SetId::LoadBalancerFw, Element::IpPort(ip, protocol, port));
        for range in ranges {
            match range.prefix_len() == range.max_prefix_len() {
                true => self.add(
                    SetId::LoadBalancerSourceIp,
                    Element::IpPortIp(ip, protocol, port, range.addr()),
                ),
                false => self.add(
                    SetId::LoadBalancerSourceCidr,
                    Element::IpPortNet(ip, protocol, port, range.trunc()),
                ),
            }
        }
    }

    /// An external address may be one that this node has anyway; then what no Service claims on it
    /// is the node's own business.
    fn add_external_address(&mut self, ip: IpAddr, around: &Surroundings<'_>) {
        if !around.addresses.all.contains(&ip) {
            self.add_virtual_address(ip, around);
        }
    }

    fn add_virtual_address(&mut self, ip: IpAddr, around: &Surroundings<'_>) {
        if !around.options.excludes(ip) {
            self.addresses.insert(ip);
            self.add(SetId::IpvsIps, Element::Ip(ip));
        }
    }

    fn add(&mut self, set: SetId, element: Element) {
        self.elements.insert(Placed {
            set,
            entry: element.into(),
        });
    }
}

/// The addresses and ports that a frontend stands for, without those that are left to others.
fn places(
    frontend: &Frontend,
    addresses: &NodeAddresses,
    options: &IpvsOptions,
) -> Vec<SocketAddr> {
    let ips = match frontend.address.ip() {
        Some(ip) => vec![ip],
        None => addresses.of_node_ports.iter().copied().collect(),
    };
    let ours = ips.into_iter().filter(|ip| !options.excludes(*ip));
    ours.map(|ip| SocketAddr::new(ip, frontend.port)).collect()
}

fn backends(port: &PortPlan, decision: Decision) -> &[Backend] {
    match decision {
        Decision::Balance(set) => port.backends(set),
        Decision::Reject | Decision::Drop => &[],
    }
}

/// Whether connections from inside need a virtual server of their own.
fn goes_elsewhere_inside(port: &PortPlan, frontend: &Frontend) -> bool {
    let is_served = matches!(frontend.inside, Decision::Balance(_));
    is_served && backends(port, frontend.inside) != backends(port, frontend.outside)
}

fn wire(protocol: Protocol) -> tidegate_netlink::Protocol {
    tidegate_netlink::Protocol(protocol.number())
}
