//! The table `mangle`: who may not come in, and which connections from inside go elsewhere.

use tidegate_model::IpFamily;

use super::{Table, Writer};
use crate::sets::SetId;

impl Writer<'_> {
    pub(super) fn mangle(&self) -> Table {
        let new = |then: &str| {
            format!(
                "-m conntrack --ctstate NEW -m comment --comment \"kubernetes service policies\" -j {then}"
            )
        };
        let guard = format!(
            "{} -j KUBE-IPVS-SOURCE-RANGES",
            self.to_frontend(SetId::LoadBalancerFw)
        );
        let unclaimed = "-j KUBE-IPVS-UNCLAIMED".to_owned();
        let dropped = self.to_frontend(SetId::LocalDrop);
        let pods = self.pod_tests();
        let inside = pods
            .iter()
            .map(|pods| format!("{pods} -g KUBE-IPVS-INSIDE"));
        let mut arriving = vec![guard.clone(), unclaimed.clone()];
        arriving.extend(inside);
        arriving.push(format!("{dropped} -j DROP"));
        let in_range = self
            .settings
            .service_cidrs_of(self.family)
            .map(|range| format!("-d {range} {} -j DROP", self.not_to_address(SetId::IpvsIps)));
        let echo = match self.family {
            IpFamily::V4 => "-p icmp",
            IpFamily::V6 => "-p ipv6-icmp",
        };
        let echo_type = match self.family {
            IpFamily::V4 => "-m icmp --icmp-type 8",
            IpFamily::V6 => "-m icmp6 --icmpv6-type 128",
        };
        let ping = self.to_address(SetId::ServiceIps);
        let ping = format!("{echo} {ping} {echo_type} -j DROP");
        Table {
            name: "mangle",
            jumps: vec![
                ("PREROUTING", new("KUBE-IPVS-ARRIVING")),
                ("OUTPUT", new("KUBE-IPVS-OWN")),
            ],
            chains: vec![
                ("KUBE-IPVS-ARRIVING", arriving),
                (
                    "KUBE-IPVS-OWN",
                    vec![guard, unclaimed, "-g KUBE-IPVS-INSIDE".to_owned()],
                ),
                (
                    "KUBE-IPVS-INSIDE",
                    vec![
                        format!(
                            "-j SET --map-set {} dst,dst --map-mark",
                            SetId::LocalInside.name(self.family)
                        ),
                        format!(
                            "{} {dropped} -j DROP",
                            self.not_to_frontend(SetId::LocalInside)
                        ),
                    ],
                ),
                (
                    "KUBE-IPVS-SOURCE-RANGES",
                    vec![
                        format!(
                            "{} -j RETURN",
                            self.frontend_and_source(SetId::LoadBalancerSourceCidr)
                        ),
                        format!(
                            "{} -j RETURN",
                            self.frontend_and_source(SetId::LoadBalancerSourceIp)
                        ),
                        "-j DROP".to_owned(),
                    ],
                ),
                ("KUBE-IPVS-UNCLAIMED", in_range.chain([ping]).collect()),
            ],
        }
    }
}
