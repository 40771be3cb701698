//! The clusters that are asked about.

use std::net::IpAddr;

use serde_json::json;

use crate::dual_stack;
use crate::objects::Objects;

/// A cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// Services of every kind, in both families.
    DualStack,
    /// The same without IPv6.
    Ipv4,
    /// A few Services with IPv6 alone, and none in front of the DNS server.
    Ipv6,
}

impl Cluster {
    /// What there is in the API.
    pub fn objects(self) -> Objects {
        match self {
            Self::DualStack => dual_stack::objects(),
            Self::Ipv4 => dual_stack::objects().without_ipv6(),
            Self::Ipv6 => ipv6(),
        }
    }

    /// The ranges that virtual addresses are from.
    pub fn service_ranges(self) -> &'static [&'static str] {
        match self {
            Self::DualStack => &["10.96.0.0/16", "fd00:96::/112"],
            Self::Ipv4 => &["10.96.0.0/16"],
            Self::Ipv6 => &["fd00:96::/112"],
        }
    }

    /// The address under which clients reach the DNS server.
    pub fn dns_address(self) -> IpAddr {
        let address = match self {
            Self::DualStack | Self::Ipv4 => "10.96.0.10",
            Self::Ipv6 => "fd00:96::10",
        };
        address.parse().expect("an address")
    }
}

/// A few Services with IPv6 alone.
fn ipv6() -> Objects {
    let mut all = Objects {
        namespaces: vec!["default"],
        ..Objects::default()
    };
    let http = json!([{"name": "http", "port": 80}]);
    all.service(
        "default/web",
        json!({"clusterIP": "fd00:96::7", "ports": http}),
    );
    all.service("default/pods", json!({"clusterIP": "None", "ports": http}));
    all.slice(
        "default/pods",
        json!([{"name": "http", "port": 8080}]),
        json!([{"addresses": ["fd00:1::1"], "hostname": "pod-0"}, {"addresses": ["fd00:1::2"]}]),
    );
    all
}
