//! The plan: for every frontend address, what must happen to a new connection.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use tidegate_model::{
    ClusterIp, EndpointAddr, ExternalIp, IpFamily, LoadBalancerIp, NodePort, Protocol, Scheduler,
    ServiceKey, ServicePortName, SessionAffinity,
};

use crate::PlanSettings;

/// Everything that the kernel of one node must do about Services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What the plan was made for: the frame of every program.
    pub settings: PlanSettings,
    /// One entry for each Service and family that has frontends.
    pub services: BTreeMap<PlanKey, Arc<ServicePlan>>,
}

/// A Service in one IP family: the two families are planned independently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanKey {
    /// The Service.
    pub service: ServiceKey,
    /// The family of every address in its plan.
    pub family: IpFamily,
}

/// What to do for one Service in one IP family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlan {
    /// The Service and the family.
    pub key: PlanKey,
    /// Its cluster IPs. On ports that no port plan claims, they reject.
    pub cluster_ips: Vec<ClusterIp>,
    /// Where load balancers ask this node for its health, over TCP. It is no frontend: the node
    /// itself answers there, and a mode that filters packets has to let them in.
    pub health_check_node_port: Option<NodePort>,
    /// One entry for each port, in the order of the manifest.
    pub ports: Vec<PortPlan>,
}

/// What to do for one port of a Service in one IP family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPlan {
    /// The port's full name.
    pub name: ServicePortName,
    /// The addresses that clients use, each with its decisions.
    pub frontends: Vec<Frontend>,
    /// What [`BackendSet::Cluster`] stands for, ordered by address, each address once.
    pub cluster_backends: Vec<Backend>,
    /// What [`BackendSet::Local`] stands for, ordered by address, each address once.
    /// Empty unless a decision refers to it.
    pub local_backends: Vec<Backend>,
    /// Whether a client stays with its backend; one memory for all frontends of the port.
    pub affinity: SessionAffinity,
    /// How to pick among backends, where the Service says so; else the mode's default.
    pub scheduler: Option<Scheduler>,
}

/// An address and port that clients use, with what happens to their new connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// The address.
    pub address: FrontendAddress,
    /// The port on that address; for a node port, the node port.
    pub port: u16,
    /// For connections from pods and from this node itself.
    pub inside: Decision,
    /// For connections from anywhere else.
    pub outside: Decision,
    /// When the source address is rewritten. Hairpin connections (a backend that reaches itself)
    /// are masqueraded whatever this says.
    pub masquerade: Masquerade,
    /// Who may connect; everyone else is dropped.
    pub sources: Sources,
}

/// The address part of a frontend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrontendAddress {
    /// The Service's virtual address.
    ClusterIp(ClusterIp),
    /// An address that an administrator routes here.
    ExternalIp(ExternalIp),
    /// An address that a load balancer left for the node to answer.
    LoadBalancerIp(LoadBalancerIp),
    /// Every address of this node that [`crate::NodePortAddresses`] selects.
    NodePort(NodePort),
}

/// What makes a frontend unique in a family: two Services can't both own one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrontendKey {
    /// The address, or `None` for a node port.
    pub address: Option<IpAddr>,
    /// The family, which a node port's address doesn't tell.
    pub family: IpFamily,
    /// The transport protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
}

/// What happens to a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It goes to one of these backends, of which there is at least one.
    Balance(BackendSet),
    /// It is refused at once: TCP reset or ICMP port unreachable.
    Reject,
    /// It is dropped without an answer.
    Drop,
}

/// One of a port's two sets of backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackendSet {
    /// Backends anywhere in the cluster.
    Cluster,
    /// Backends on this node.
    Local,
}

/// When the source address of a connection is rewritten to the node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Masquerade {
    /// Never: the backend sees the client.
    Never,
    /// Only what this node itself sends (local policy seen from the inside).
    FromThisNode,
    /// What doesn't come from a pod, as far as [`crate::PodTraffic`] can tell.
    FromOutsideThePods,
    /// Always.
    Always,
}

/// Who may connect to a frontend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// No restriction.
    Anyone,
    /// Sources in these ranges, all of the frontend's family; possibly none at all.
    Only(Vec<IpNet>),
}

/// One place that a connection can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Backend {
    /// Where it is.
    pub addr: EndpointAddr,
    /// Its share of new connections, relative to its neighbours'; at least 1.
    pub weight: u32,
    /// Whether it runs on this node.
    pub local: bool,
    /// Whether it is on its way out and only used because nothing better is there.
    pub draining: bool,
}

impl PortPlan {
    /// The backends that a decision's set stands for.
    pub fn backends(&self, set: BackendSet) -> &[Backend] {
        match set {
            BackendSet::Cluster => &self.cluster_backends,
            BackendSet::Local => &self.local_backends,
        }
    }
}

impl Frontend {
    /// What makes this frontend unique among those of its family.
    pub fn key(&self, family: IpFamily, protocol: Protocol) -> FrontendKey {
        FrontendKey {
            address: self.address.ip(),
            family,
            protocol,
            port: self.port,
        }
    }
}

impl FrontendAddress {
    /// The address, or `None` for a node port, which stands for many.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::ClusterIp(ClusterIp(ip))
            | Self::ExternalIp(ExternalIp(ip))
            | Self::LoadBalancerIp(LoadBalancerIp(ip)) => Some(*ip),
            Self::NodePort(_) => None,
        }
    }

    /// Whether it is a cluster IP.
    pub fn is_cluster_ip(&self) -> bool {
        matches!(self, Self::ClusterIp(_))
    }
}

impl fmt::Display for PlanKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.service, self.family)
    }
}

impl fmt::Display for FrontendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(
                f,
                "{address} port {}/{}",
                self.port,
                self.protocol.lower_name()
            ),
            None => write!(
                f,
                "node port {}/{} ({})",
                self.port,
                self.protocol.lower_name(),
                self.family
            ),
        }
    }
}
