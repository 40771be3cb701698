//! What a plan depends on besides Services and slices.

use std::net::IpAddr;

use ipnet::IpNet;
use tidegate_model::IpFamily;

/// The node that the plan is for, and the operator's choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanSettings {
    /// This node's name, as slices name it.
    pub node: String,
    /// This node's zone (label `topology.kubernetes.io/zone`).
    pub zone: Option<String>,
    /// This node's own addresses, as far as they are known. A load balancer whose source ranges
    /// admit one of them admits all of them.
    pub node_addresses: Vec<IpAddr>,
    /// The ranges that cluster IPs come from. Addresses in them that no Service has are dropped.
    pub service_cidrs: Vec<IpNet>,
    /// How traffic from this node's pods is told from other traffic.
    pub pod_traffic: PodTraffic,
    /// Masquerade all cluster-IP traffic, also the pods'.
    pub masquerade_all: bool,
    /// The local addresses that node ports answer on.
    pub node_port_addresses: NodePortAddresses,
    /// Leave the `externalIPs` of Services out (upstream's feature gate `AllowServiceExternalIPs`
    /// turned off): whoever may write a Service could take any address with them.
    pub without_external_ips: bool,
}

/// How traffic from pods is told from other traffic (upstream's `detectLocalMode`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PodTraffic {
    /// It can't be told: nothing is masqueraded for coming from outside the pods.
    #[default]
    Unknown,
    /// By source address.
    Cidrs(Vec<IpNet>),
    /// By the bridge that it comes in through.
    Bridge(String),
    /// By the beginning of the interface's name that it comes in through.
    InterfacePrefix(String),
}

/// The local addresses that node ports answer on (upstream's `nodePortAddresses`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NodePortAddresses {
    /// Every local address but loopback.
    #[default]
    AllLocal,
    /// Local addresses within these ranges.
    Within(Vec<IpNet>),
}

impl PlanSettings {
    /// The service ranges of one family.
    pub fn service_cidrs_of(&self, family: IpFamily) -> impl Iterator<Item = &IpNet> {
        self.service_cidrs
            .iter()
            .filter(move |cidr| IpFamily::of(cidr.addr()) == family)
    }

    /// How traffic from pods of one family is told. Where ranges tell it and none of them is of
    /// this family, it can't be told, as upstream has it: nothing is masqueraded for coming from
    /// outside the pods then, instead of everything.
    pub fn pod_traffic_of(&self, family: IpFamily) -> PodTraffic {
        match &self.pod_traffic {
            PodTraffic::Cidrs(_) => {
                let cidrs: Vec<IpNet> = self.pod_cidrs_of(family).copied().collect();
                match cidrs.is_empty() {
                    true => PodTraffic::Unknown,
                    false => PodTraffic::Cidrs(cidrs),
                }
            }
            other => other.clone(),
        }
    }

    /// The pods' ranges of one family; none unless pods are told by their addresses.
    pub fn pod_cidrs_of(&self, family: IpFamily) -> impl Iterator<Item = &IpNet> {
        let cidrs = match &self.pod_traffic {
            PodTraffic::Cidrs(cidrs) => cidrs.as_slice(),
            _ => &[],
        };
        cidrs
            .iter()
            .filter(move |cidr| IpFamily::of(cidr.addr()) == family)
    }
}
