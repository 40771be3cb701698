//! The parts of rules that say which packets are meant.

use std::net::IpAddr;

use ipnet::IpNet;
use tidegate_model::{IpFamily, Protocol};
use tidegate_plan::{NodePortAddresses, PlanSettings, PodTraffic};

use crate::options::IptablesOptions;

/// The longest comment that the kernel keeps, in bytes.
const LONGEST_COMMENT: usize = 255;

/// A comment, quoted where upstream quotes it.
///
/// Names come from API objects: what could end the quotation, or the line, is left out.
pub(crate) fn comment(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii() && !c.is_ascii_control() && !"\"'\\".contains(*c);
    let text: String = text
        .chars()
        .filter(is_plain)
        .take(LONGEST_COMMENT)
        .collect();
    match text.contains(|c: char| !c.is_ascii_alphanumeric() && !"-./:_".contains(c)) {
        true => format!("-m comment --comment \"{text}\""),
        false => format!("-m comment --comment {text}"),
    }
}

/// Packets of a protocol to an address and port.
pub(crate) fn frontend(protocol: Protocol, address: IpAddr, port: u16) -> String {
    let protocol = protocol.lower_name();
    format!("-m {protocol} -p {protocol} -d {address} --dport {port}")
}

/// Packets of a protocol to a port.
pub(crate) fn port(protocol: Protocol, port: u16) -> String {
    let protocol = protocol.lower_name();
    format!("-m {protocol} -p {protocol} --dport {port}")
}

/// How packets that come from pods are told from others, in one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pods {
    /// They can't be told.
    Unknown,
    /// By one match, which can be negated.
    By(String),
    /// By several matches, each of which is enough.
    ByAny(Vec<String>),
}

impl Pods {
    /// How the settings tell them.
    pub(crate) fn of(settings: &PlanSettings, family: IpFamily) -> Self {
        match settings.pod_traffic_of(family) {
            PodTraffic::Unknown => Self::Unknown,
            PodTraffic::Bridge(name) => Self::By(format!("-i {}", interface(&name))),
            PodTraffic::InterfacePrefix(prefix) => Self::By(format!("-i {}+", interface(&prefix))),
            PodTraffic::Cidrs(mut ranges) => {
                ranges.sort_unstable();
                ranges.dedup();
                match ranges.as_slice() {
                    [range] => Self::By(format!("-s {range}")),
                    ranges => {
                        Self::ByAny(ranges.iter().map(|range| format!("-s {range}")).collect())
                    }
                }
            }
        }
    }

    /// The matches, each of which tells a packet of a pod.
    pub(crate) fn matches(&self) -> &[String] {
        match self {
            Self::Unknown => &[],
            Self::By(one) => std::slice::from_ref(one),
            Self::ByAny(all) => all,
        }
    }
}

/// An interface's name comes from the configuration: what ends a word is left out.
fn interface(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_graphic() && !"\"'\\".contains(*c);
    name.chars().filter(fits).collect()
}

/// The matches, each of which tells a packet to an address on which node ports answer.
pub(crate) fn to_node(
    settings: &PlanSettings,
    options: &IptablesOptions,
    family: IpFamily,
) -> Vec<String> {
    let local = "-m addrtype --dst-type LOCAL";
    let on_loopback = options.localhost_node_ports && family == IpFamily::V4;
    let loopback = loopback(family);
    let all = match on_loopback {
        true => vec![local.to_owned()],
        false => vec![format!("{local} ! -d {loopback}")],
    };
    let ranges = match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => return all,
        NodePortAddresses::Within(ranges) => ranges,
    };
    let of_family = ranges
        .iter()
        .filter(|range| IpFamily::of(range.addr()) == family);
    if of_family.clone().any(|range| range.prefix_len() == 0) {
        return all;
    }
    let mut ranges: Vec<IpNet> = of_family
        .flat_map(|range| match on_loopback {
            true => vec![range.trunc()],
            false => without(range.trunc(), loopback),
        })
        .collect();
    ranges.sort_unstable();
    ranges.dedup();
    let to_range = |range: &IpNet| format!("{local} -d {range}");
    ranges.iter().map(to_range).collect()
}

/// Whether node ports answer on loopback addresses of IPv4, for which the kernel has to be told.
pub(crate) fn uses_loopback(settings: &PlanSettings, options: &IptablesOptions) -> bool {
    let loopback = loopback(IpFamily::V4);
    let selected = match &settings.node_port_addresses {
        NodePortAddresses::AllLocal => true,
        NodePortAddresses::Within(ranges) => ranges
            .iter()
            .any(|range| range.contains(&loopback) || loopback.contains(range)),
    };
    options.localhost_node_ports && selected
}

fn loopback(family: IpFamily) -> IpNet {
    let (first, length): (IpAddr, u8) = match family {
        IpFamily::V4 => ([127, 0, 0, 0].into(), 8),
        IpFamily::V6 => (std::net::Ipv6Addr::LOCALHOST.into(), 128),
    };
    IpNet::new_assert(first, length)
}

/// The parts of a range that are outside of another one.
fn without(range: IpNet, hole: IpNet) -> Vec<IpNet> {
    if hole.contains(&range) {
        return Vec::new();
    }
    if !range.contains(&hole) {
        return vec![range];
    }
    let halves = range.subnets(range.prefix_len() + 1).into_iter().flatten();
    halves.flat_map(|half| without(half, hole)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        let nets = texts.iter().map(|text| text.parse().expect("a network"));
        nets.collect()
    }

    fn node(ranges: Option<&[&str]>, localhost_node_ports: bool, family: IpFamily) -> Vec<String> {
        let settings = PlanSettings {
            node_port_addresses: match ranges {
                None => NodePortAddresses::AllLocal,
                Some(ranges) => NodePortAddresses::Within(nets(ranges)),
            },
            ..PlanSettings::default()
        };
        let options = IptablesOptions {
            localhost_node_ports,
            ..IptablesOptions::default()
        };
        to_node(&settings, &options, family)
    }

    #[test]
    fn node_ports_leave_loopback_out_unless_it_is_wanted() {
        let v4 = IpFamily::V4;
        let local = "-m addrtype --dst-type LOCAL";
        assert_eq!(node(None, true, v4), [local]);
        assert_eq!(node(None, false, v4), [format!("{local} ! -d 127.0.0.0/8")]);
        assert_eq!(
            node(None, true, IpFamily::V6),
            [format!("{local} ! -d ::1/128")]
        );
        let ranges = ["192.0.2.7/24", "127.0.0.1/32", "fd00::/8"];
        assert_eq!(
            node(Some(&ranges), true, v4),
            [
                format!("{local} -d 127.0.0.1/32"),
                format!("{local} -d 192.0.2.0/24")
            ]
        );
        assert_eq!(
            node(Some(&ranges), false, v4),
            [format!("{local} -d 192.0.2.0/24")]
        );
        assert_eq!(
            node(Some(&["126.0.0.0/7"]), false, v4),
            [format!("{local} -d 126.0.0.0/8")]
        );
        assert_eq!(node(Some(&[]), true, v4), [""; 0]);
    }

    #[test]
    fn a_name_can_not_end_its_line_or_its_quotation() {
        let evil = "a\"\n-A KUBE-SERVICES -j DROP\\";
        assert_eq!(
            comment(evil),
            "-m comment --comment \"a-A KUBE-SERVICES -j DROP\""
        );
        assert!(comment(&"x".repeat(1000)).len() < 300);
        assert_eq!(interface("cni0 -j DROP"), "cni0-jDROP");
    }
}
