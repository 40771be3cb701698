//! The table `filter`: what no Service port claims is refused, and answers may pass.

use tidegate_model::IpFamily;

use super::{Table, Writer};
use crate::sets::SetId;

impl Writer<'_> {
    pub(super) fn filter(&self) -> Table {
        let bit = self.bit();
        let jump =
            |comment: &str, chain: &str| format!("-m comment --comment \"{comment}\" -j {chain}");
        let served = [
            SetId::ClusterIp,
            SetId::LoadBalancer,
            SetId::ExternalIp,
            SetId::ExternalIpLocal,
        ];
        let mut arriving: Vec<String> = served
            .map(|set| format!("{} -j RETURN", self.to_frontend(set)))
            .to_vec();
        arriving.push(format!(
            "{} -j KUBE-IPVS-REJECT",
            self.to_frontend(SetId::NodePortReject)
        ));
        // Load balancers ask at their own addresses too; cluster IPs have no other ports than those
        // of their Services.
        let health_check = format!(
            "-p tcp {} {}",
            self.to_address(SetId::HealthCheckNodePort),
            self.not_to_address(SetId::ServiceIps)
        );
        arriving.push(format!("{health_check} -j RETURN"));
        arriving.push(format!(
            "{} -j KUBE-IPVS-REJECT",
            self.to_address(SetId::IpvsIps)
        ));
        let let_in = format!(
            "{health_check} {}",
            jump("Kubernetes health check node port", "ACCEPT")
        );
        let unreachable = match self.family {
            IpFamily::V4 => "icmp-port-unreachable",
            IpFamily::V6 => "icmp6-port-unreachable",
        };
        let invalid = "-m conntrack --ctstate INVALID -j DROP".to_owned();
        let invalid = (!self.options.tcp_be_liberal).then_some(invalid);
        let answers = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".to_owned();
        let masqueraded = format!("-m mark --mark {bit}/{bit} -j ACCEPT");
        Table {
            name: "filter",
            jumps: vec![
                (
                    "INPUT",
                    format!(
                        "-m conntrack --ctstate NEW {}",
                        jump("kubernetes ipvs access filter", "KUBE-IPVS-FILTER")
                    ),
                ),
                (
                    "INPUT",
                    jump("kubernetes health check rules", "KUBE-IPVS-NODE-PORT"),
                ),
                (
                    "FORWARD",
                    jump("kubernetes forwarding rules", "KUBE-IPVS-FORWARD"),
                ),
            ],
            chains: vec![
                ("KUBE-IPVS-FILTER", arriving),
                ("KUBE-IPVS-NODE-PORT", vec![let_in]),
                (
                    "KUBE-IPVS-REJECT",
                    vec![
                        "-p tcp -j REJECT --reject-with tcp-reset".to_owned(),
                        format!("-p udp -j REJECT --reject-with {unreachable}"),
                        format!("-p sctp -j REJECT --reject-with {unreachable}"),
                    ],
                ),
                (
                    "KUBE-IPVS-FORWARD",
                    invalid.into_iter().chain([masqueraded, answers]).collect(),
                ),
            ],
        }
    }
}
