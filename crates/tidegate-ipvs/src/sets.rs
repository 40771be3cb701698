//! The sets that our rules look into: which there are, and what they mean.

use tidegate_model::{IpFamily, Protocol};
use tidegate_netlink::ipset::{Set, SetType};

use crate::family;

/// One of the sets of a family. Those without a note are kube-proxy's, in name and meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SetId {
    /// (backend . port . backend) for backends on this node: connections to itself.
    LoopBack,
    /// Cluster-IP frontends that are served.
    ClusterIp,
    /// External frontends that are served with a masqueraded source.
    ExternalIp,
    /// External frontends that are served with the client's own source.
    ExternalIpLocal,
    /// Load-balancer frontends that are served.
    LoadBalancer,
    /// Those of them that are served with the client's own source.
    LoadBalancerLocal,
    /// Load-balancer frontends that only some sources may use.
    LoadBalancerFw,
    /// (frontend . range): who may use them.
    LoadBalancerSourceCidr,
    /// (frontend . address): the same where it is a single address.
    LoadBalancerSourceIp,
    /// Node ports.
    NodePort(Protocol),
    /// Those of them that are served with the client's own source.
    NodePortLocal(Protocol),
    /// Where load balancers ask this node for its health.
    HealthCheckNodePort,
    /// All virtual addresses: what no frontend on them claims is refused.
    IpvsIps,
    /// Ours: cluster IPs, which don't answer to ping.
    ServiceIps,
    /// Ours: frontends on addresses of this node that refuse, most of them node ports.
    NodePortReject,
    /// Ours: frontends that drop for want of a local backend, but for what [`Self::LocalInside`]
    /// leads elsewhere.
    LocalDrop,
    /// Ours: frontends that lead connections from inside to another virtual server, which is found
    /// by the mark that stands here.
    LocalInside,
}

/// How many elements a set may have. kube-proxy's 65,536 are too few for 10,000 Services on
/// several ports; the kernel takes memory only for those that are there.
const MOST_ELEMENTS: u32 = 1 << 20;

/// The longest name that the kernel takes, in bytes.
const LONGEST_NAME: usize = 31;

impl SetId {
    /// All sets, in the order in which they are printed.
    pub(crate) const ALL: [Self; 21] = [
        Self::LoopBack,
        Self::ClusterIp,
        Self::ExternalIp,
        Self::ExternalIpLocal,
        Self::LoadBalancer,
        Self::LoadBalancerLocal,
        Self::LoadBalancerFw,
        Self::LoadBalancerSourceCidr,
        Self::LoadBalancerSourceIp,
        Self::NodePort(Protocol::Tcp),
        Self::NodePort(Protocol::Udp),
        Self::NodePort(Protocol::Sctp),
        Self::NodePortLocal(Protocol::Tcp),
        Self::NodePortLocal(Protocol::Udp),
        Self::NodePortLocal(Protocol::Sctp),
        Self::HealthCheckNodePort,
        Self::IpvsIps,
        Self::ServiceIps,
        Self::NodePortReject,
        Self::LocalDrop,
        Self::LocalInside,
    ];

    /// The name in the kernel, where sets of all families share one space of names.
    pub(crate) fn name(self, family: IpFamily) -> String {
        let name = match self {
            Self::LoopBack => "LOOP-BACK",
            Self::ClusterIp => "CLUSTER-IP",
            Self::ExternalIp => "EXTERNAL-IP",
            Self::ExternalIpLocal => "EXTERNAL-IP-LOCAL",
            Self::LoadBalancer => "LOAD-BALANCER",
            Self::LoadBalancerLocal => "LOAD-BALANCER-LOCAL",
            Self::LoadBalancerFw => "LOAD-BALANCER-FW",
            Self::LoadBalancerSourceCidr => "LOAD-BALANCER-SOURCE-CIDR",
            Self::LoadBalancerSourceIp => "LOAD-BALANCER-SOURCE-IP",
            Self::NodePort(Protocol::Tcp) => "NODE-PORT-TCP",
            Self::NodePort(Protocol::Udp) => "NODE-PORT-UDP",
            Self::NodePort(Protocol::Sctp) => "NODE-PORT-SCTP-HASH",
            Self::NodePortLocal(Protocol::Tcp) => "NODE-PORT-LOCAL-TCP",
            Self::NodePortLocal(Protocol::Udp) => "NODE-PORT-LOCAL-UDP",
            Self::NodePortLocal(Protocol::Sctp) => "NODE-PORT-LOCAL-SCTP-HASH",
            Self::HealthCheckNodePort => "HEALTH-CHECK-NODE-PORT",
            Self::IpvsIps => "IPVS-IPS",
            Self::ServiceIps => "SERVICE-IPS",
            Self::NodePortReject => "NODE-PORT-REJECT",
            Self::LocalDrop => "LOCAL-DROP",
            Self::LocalInside => "LOCAL-INSIDE",
        };
        let mut name = match family {
            IpFamily::V4 => format!("KUBE-{name}"),
            IpFamily::V6 => format!("KUBE-6-{name}"),
        };
        // As kube-proxy does it.
        name.truncate(LONGEST_NAME);
        name
    }

    /// The set as the kernel has it.
    pub(crate) fn definition(self, of: IpFamily) -> Set {
        let set_type = match self {
            Self::LoopBack | Self::LoadBalancerSourceIp => SetType::HashIpPortIp,
            Self::LoadBalancerSourceCidr => SetType::HashIpPortNet,
            Self::NodePort(Protocol::Sctp) | Self::NodePortLocal(Protocol::Sctp) => {
                SetType::HashIpPort
            }
            Self::NodePort(_) | Self::NodePortLocal(_) | Self::HealthCheckNodePort => {
                SetType::BitmapPort
            }
            Self::IpvsIps | Self::ServiceIps => SetType::HashIp,
            Self::ClusterIp
            | Self::ExternalIp
            | Self::ExternalIpLocal
            | Self::LoadBalancer
            | Self::LoadBalancerLocal
            | Self::LoadBalancerFw
            | Self::NodePortReject
            | Self::LocalDrop
            | Self::LocalInside => SetType::HashIpPort,
        };
        Set {
            max_elements: MOST_ELEMENTS,
            marks: self == Self::LocalInside,
            ..Set::new(self.name(of), set_type, family(of))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_set_has_a_name_of_its_own_that_the_kernel_takes() {
        let names: BTreeSet<String> = IpFamily::ALL
            .into_iter()
            .flat_map(|family| SetId::ALL.map(|set| set.name(family)))
            .collect();
        assert_eq!(names.len(), 2 * SetId::ALL.len());
        assert!(names.iter().all(|name| name.len() < 32), "{names:?}");
    }
}
