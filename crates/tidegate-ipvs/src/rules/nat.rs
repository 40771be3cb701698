//! The table `nat`: whose source addresses are rewritten to this node's.

use tidegate_model::Protocol;

use super::{Table, Writer};
use crate::marks;
use crate::sets::SetId;

impl Writer<'_> {
    pub(super) fn nat(&self) -> Table {
        let masquerade = "-j KUBE-IPVS-MARK-MASQ";
        let own = "-m addrtype --src-type LOCAL";
        let not_own = "-m addrtype ! --src-type LOCAL";
        let marked = marked_by_us();
        let bit = self.bit();
        let portals =
            |then: &str| format!("-m comment --comment \"kubernetes service portals\" -j {then}");
        let services = vec![
            format!("{marked} -j RETURN"),
            format!(
                "{} -j KUBE-IPVS-CLUSTER-IP",
                self.to_frontend(SetId::ClusterIp)
            ),
            format!(
                "{} -j KUBE-IPVS-LOAD-BALANCER",
                self.to_frontend(SetId::LoadBalancer)
            ),
            format!("{} {masquerade}", self.to_frontend(SetId::ExternalIp)),
            format!(
                "{} {own} {masquerade}",
                self.to_frontend(SetId::ExternalIpLocal)
            ),
            "-m addrtype --dst-type LOCAL -j KUBE-IPVS-NODE-PORT".to_owned(),
        ];
        Table {
            name: "nat",
            jumps: vec![
                ("PREROUTING", portals("KUBE-IPVS-SERVICES")),
                ("OUTPUT", portals("KUBE-IPVS-SERVICES")),
                (
                    "POSTROUTING",
                    "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-IPVS-POSTROUTING"
                        .to_owned(),
                ),
            ],
            chains: vec![
                ("KUBE-IPVS-SERVICES", services),
                ("KUBE-IPVS-CLUSTER-IP", self.cluster_ip(own, masquerade)),
                (
                    "KUBE-IPVS-LOAD-BALANCER",
                    vec![
                        format!(
                            "{} {not_own} -j RETURN",
                            self.to_frontend(SetId::LoadBalancerLocal)
                        ),
                        masquerade.to_owned(),
                    ],
                ),
                ("KUBE-IPVS-NODE-PORT", self.node_ports(not_own, masquerade)),
                (
                    "KUBE-IPVS-MARK-MASQ",
                    vec![format!("-j MARK --set-xmark {bit}/{bit}")],
                ),
                (
                    "KUBE-IPVS-POSTROUTING",
                    vec![
                        format!(
                            "{} -j MASQUERADE",
                            self.frontend_and_source(SetId::LoopBack)
                        ),
                        format!("{marked} {not_own} -j RETURN"),
                        format!("{marked} -j MASQUERADE --random-fully"),
                        format!("-m mark ! --mark {bit}/{bit} -j RETURN"),
                        format!("-j MARK --set-xmark {bit}/0x0"),
                        "-j MASQUERADE --random-fully".to_owned(),
                    ],
                ),
            ],
        }
    }

    /// Who is masqueraded on the way to a cluster IP. This node's own connections always are: with
    /// all cluster IPs on one of its devices it calls them from the cluster IP itself.
    fn cluster_ip(&self, own: &str, masquerade: &str) -> Vec<String> {
        if self.settings.masquerade_all {
            return vec![masquerade.to_owned()];
        }
        let pods = self.pod_tests();
        if pods.is_empty() {
            return vec![format!("{own} {masquerade}")];
        }
        let pods = pods.iter().map(|pods| format!("{pods} -j RETURN"));
        pods.chain([masquerade.to_owned()]).collect()
    }

    fn node_ports(&self, not_own: &str, masquerade: &str) -> Vec<String> {
        let rules = |protocol: Protocol| {
            let test = |set: SetId| match protocol {
                Protocol::Sctp => self.to_frontend(set),
                _ => self.to_address(set),
            };
            let local = test(SetId::NodePortLocal(protocol));
            let all = test(SetId::NodePort(protocol));
            let protocol = protocol.lower_name();
            [
                format!("-p {protocol} {local} {not_own} -j RETURN"),
                format!("-p {protocol} {all} {masquerade}"),
            ]
        };
        [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
            .into_iter()
            .flat_map(rules)
            .collect()
    }
}

/// A test for packets that have one of our marks.
fn marked_by_us() -> String {
    format!("-m mark --mark {:#x}/{:#x}", marks::PREFIX, marks::MASK)
}
