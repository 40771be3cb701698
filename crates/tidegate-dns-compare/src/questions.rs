//! What is asked, as dnsperf reads it: a name and a type a line.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::cluster::{self, PORT, Size};

/// How many names there are outside the cluster.
pub(crate) const FOREIGN_NAMES: u32 = 10_000;

/// A set of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Questions {
    /// The addresses of all Services.
    Addresses,
    /// What a cluster's programs ask: of twenty questions ten for addresses, four for IPv6 addresses
    /// that there are none of, two for SRV records, two for the name of an address, and two for
    /// names that a search path makes up.
    Mixed,
    /// The addresses of names outside the cluster.
    Foreign,
}

impl Questions {
    /// All sets.
    pub(crate) const ALL: [Self; 3] = [Self::Addresses, Self::Mixed, Self::Foreign];

    /// What the questions are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Addresses => "cluster names, A",
            Self::Mixed => "cluster names, mixed",
            Self::Foreign => "forwarded names",
        }
    }

    /// Whether answers may be longer than 512 octets, which a client has to allow.
    pub(crate) fn with_edns(self) -> bool {
        self == Self::Mixed
    }

    /// The questions, neighbours far apart so that no server has an easier time with them.
    /// `cluster_ips` has the addresses of the Services that aren't headless.
    pub(crate) fn text(self, size: Size, cluster_ips: &[String]) -> String {
        let mut text = String::new();
        let count = match self {
            Self::Addresses => size.services,
            Self::Mixed => size.services * 2,
            Self::Foreign => FOREIGN_NAMES,
        };
        for number in 0..count {
            let line = match self {
                Self::Addresses => format!("{} A", cluster::domain_name(scatter(number, count))),
                Self::Mixed => mixed(size, number, cluster_ips),
                Self::Foreign => format!("{} A", foreign_name(scatter(number, count))),
            };
            // Writing to a string can't fail.
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

/// A name outside the cluster.
pub(crate) fn foreign_name(number: u32) -> String {
    format!("host-{number:05}.example.com.")
}

fn mixed(size: Size, number: u32, cluster_ips: &[String]) -> String {
    // Every kind of question meets headless Services and others.
    let service = scatter(number + number / 20, size.services);
    let name = cluster::domain_name(service);
    match number % 20 {
        0..10 => format!("{name} A"),
        10..14 => format!("{name} AAAA"),
        14 | 15 => format!("_{PORT}._tcp.{name} SRV"),
        16 => {
            let headless = service | 1;
            let address = cluster::address(size, headless.min(size.services - 1), 0);
            format!("{} PTR", reverse(&address.to_string()))
        }
        17 => {
            let at = service as usize % cluster_ips.len().max(1);
            let address = cluster_ips.get(at).map_or("10.96.0.1", |address| address);
            format!("{} PTR", reverse(address))
        }
        _ => format!("{name}svc.cluster.local. A"),
    }
}

/// The name that tells whose an IPv4 address is.
pub(crate) fn reverse(address: &str) -> String {
    let octets: Vec<&str> = address.rsplit('.').collect();
    format!("{}.in-addr.arpa.", octets.join("."))
}

/// Numbers below `count` in another order.
fn scatter(number: u32, count: u32) -> u32 {
    // A prime that divides no usual count.
    const STEP: u64 = 7_919;
    u32::try_from(u64::from(number) * STEP % u64::from(count.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const SIZE: Size = Size {
        services: 40,
        endpoints: 2,
    };

    #[test]
    fn every_service_is_asked_for_once() {
        let text = Questions::Addresses.text(SIZE, &[]);
        assert_eq!(text.lines().collect::<HashSet<_>>().len(), 40);
        assert!(text.contains("service-00039.default.svc.cluster.local. A\n"));
    }

    #[test]
    fn the_mix_has_each_kind_in_its_share() {
        let ips = ["10.96.0.7".to_owned()];
        let text = Questions::Mixed.text(SIZE, &ips);
        let count = |part: &str| text.lines().filter(|line| line.ends_with(part)).count();
        assert_eq!(text.lines().count(), 80);
        assert_eq!([count(" AAAA"), count(" SRV"), count(" PTR")], [16, 8, 8]);
        assert_eq!(count("cluster.local.svc.cluster.local. A"), 8);
        assert!(text.contains("7.0.96.10.in-addr.arpa. PTR\n"), "{text}");
    }
}
