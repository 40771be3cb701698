//! All tables.

use std::net::SocketAddr;

use crate::asking::ZONE;
use crate::cluster::Cluster;
use crate::row::{self, Row};
use crate::single_stack;

/// Questions and their answers, in a cluster whose names are served in one way.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// What messages call it.
    pub name: &'static str,
    /// The cluster that is asked about.
    pub cluster: Cluster,
    /// What stands in the `kubernetes` of a Corefile, where the zones are `cluster.local`,
    /// `in-addr.arpa` and `ip6.arpa`. All else is forwarded to the server that
    /// [`crate::serve_names_elsewhere`] starts.
    pub options: &'static str,
    /// How long answers may be kept, in seconds, as the options say.
    pub ttl: u32,
    /// Whether everything has come from the API.
    pub is_synced: bool,
    texts: &'static [&'static str],
}

impl Table {
    /// All rows.
    ///
    /// # Panics
    /// A line of the table is none.
    pub fn rows(&self) -> Vec<Row> {
        let read = |text: &&str| row::read(text, ZONE, self.ttl);
        let rows = self.texts.iter().flat_map(read).collect();
        match self.cluster {
            Cluster::Ipv4 => single_stack::without_ipv6(rows, read(&INSTEAD_OF_IPV6)),
            Cluster::DualStack | Cluster::Ipv6 => rows,
        }
    }

    /// A Corefile that has names served as the table says.
    ///
    /// `port` is where the server listens, `elsewhere` is who knows all other names, and `more` is
    /// what else stands in the server block.
    pub fn corefile(&self, port: u16, elsewhere: SocketAddr, more: &str) -> String {
        let options = self.options;
        format!(
            ".:{port} {{
                kubernetes cluster.local in-addr.arpa ip6.arpa {{
                    {options}
                }}
                loadbalance
                {more}
                forward . {elsewhere}
            }}"
        )
    }
}

/// How names are served by default.
const DEFAULT: Table = Table {
    name: "",
    cluster: Cluster::DualStack,
    options: "",
    ttl: 5,
    is_synced: true,
    texts: &[],
};

/// Services with virtual addresses.
pub const SERVICES: Table = Table {
    name: "services",
    texts: &[include_str!("rows/services.txt")],
    ..DEFAULT
};

/// Services without, and their endpoints.
pub const HEADLESS: Table = Table {
    name: "headless",
    texts: &[include_str!("rows/headless.txt")],
    ..DEFAULT
};

/// ExternalName.
pub const ALIASES: Table = Table {
    name: "aliases",
    texts: &[include_str!("rows/aliases.txt")],
    ..DEFAULT
};

/// The zone's own names, and what isn't there.
pub const APEX: Table = Table {
    name: "apex",
    texts: &[include_str!("rows/apex.txt")],
    ..DEFAULT
};

/// From addresses to names.
pub const REVERSE: Table = Table {
    name: "reverse",
    texts: &[include_str!("rows/reverse.txt")],
    ..DEFAULT
};

/// Lengths, flags, classes and operations.
pub const PACKETS: Table = Table {
    name: "packets",
    texts: &[include_str!("rows/packets.txt")],
    ..DEFAULT
};

/// Names that spell addresses, where they don't exist.
pub const PODS_DISABLED: Table = Table {
    name: "pods_disabled",
    texts: &[include_str!("rows/pods_disabled.txt")],
    ..DEFAULT
};

/// Names that spell addresses, whoever has them.
pub const PODS_INSECURE: Table = Table {
    name: "pods_insecure",
    options: "pods insecure\nttl 30\nfallthrough in-addr.arpa ip6.arpa",
    ttl: 30,
    texts: &[include_str!("rows/pods_insecure.txt")],
    ..DEFAULT
};

/// Names that spell addresses, if a pod has them.
pub const PODS_VERIFIED: Table = Table {
    name: "pods_verified",
    options: "pods verified\nfallthrough",
    texts: &[include_str!("rows/pods_verified.txt")],
    ..DEFAULT
};

/// Namespaces and Services that aren't shown.
pub const HIDDEN: Table = Table {
    name: "hidden",
    options: "namespaces default\nignore empty_service\npods insecure",
    texts: &[include_str!("rows/hidden.txt")],
    ..DEFAULT
};

/// Endpoints called by their pods.
pub const POD_NAMES: Table = Table {
    name: "pod_names",
    options: "endpoint_pod_names\nttl 3600",
    ttl: 3600,
    texts: &[include_str!("rows/pod_names.txt")],
    ..DEFAULT
};

/// Names that choose endpoints by their zone.
pub const ZONAL: Table = Table {
    name: "zonal",
    options: "zonal",
    texts: &[include_str!("rows/zonal.txt")],
    ..DEFAULT
};

/// Before the first lists from the API are complete.
pub const UNSYNCED: Table = Table {
    name: "unsynced",
    is_synced: false,
    texts: &[include_str!("rows/unsynced.txt")],
    ..DEFAULT
};

/// Every row of the cluster with both families whose names are served by default, without IPv6.
pub const IPV4: Table = Table {
    name: "ipv4",
    cluster: Cluster::Ipv4,
    texts: &[
        SERVICES.texts[0],
        HEADLESS.texts[0],
        ALIASES.texts[0],
        APEX.texts[0],
        REVERSE.texts[0],
        PACKETS.texts[0],
        PODS_DISABLED.texts[0],
    ],
    ..DEFAULT
};

/// What such a cluster says where the one with both families tells of IPv6.
const INSTEAD_OF_IPV6: &str = include_str!("rows/instead_of_ipv6.txt");

/// A cluster with IPv6 alone.
pub const IPV6: Table = Table {
    name: "ipv6",
    cluster: Cluster::Ipv6,
    texts: &[include_str!("rows/ipv6.txt")],
    ..DEFAULT
};

/// Every table there is.
pub const ALL: [Table; 15] = [
    SERVICES,
    HEADLESS,
    ALIASES,
    APEX,
    REVERSE,
    PACKETS,
    PODS_DISABLED,
    PODS_INSECURE,
    PODS_VERIFIED,
    HIDDEN,
    POD_NAMES,
    ZONAL,
    UNSYNCED,
    IPV4,
    IPV6,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Rules whose rows are elsewhere: the annotation that came before publishNotReadyAddresses,
    /// which is the controllers' to heed, and the rotation of addresses, which takes many questions.
    const ELSEWHERE: [&str; 2] = ["§3.3", "§5.3"];

    #[test]
    fn every_rule_has_a_row() {
        let written = ALL.iter().filter(|table| table.cluster != Cluster::Ipv4);
        let rows: Vec<Row> = written.flat_map(Table::rows).collect();
        assert!(rows.len() > 800, "{} rows", rows.len());
        let numbers: BTreeSet<&str> = rows.iter().map(|row| row.number.as_str()).collect();
        for (section, last) in [(1, 30), (2, 3), (3, 3), (4, 11), (5, 3)] {
            for rule in 1..=last {
                let number = format!("§{section}.{rule}");
                let is_here = numbers.contains(number.as_str());
                assert!(is_here || ELSEWHERE.contains(&number.as_str()), "{number}");
            }
        }
    }
    #[test]
    fn most_rows_hold_without_ipv6_too() {
        let count = IPV4.rows().len();
        assert!(count > 600, "{count} rows");
    }
}
