//! Ranges of addresses as zones.

use ipnet::IpNet;

use crate::zone_name::ZoneName;

impl ZoneName {
    /// The reverse zones that are exactly a range, as CoreDNS has them for zones in CIDR
    /// notation: the range is cut at the next longer length that ends a label, which is a multiple
    /// of 8 for IPv4 and of 4 for IPv6. At most 128 zones.
    pub fn of_range(range: IpNet) -> Vec<Self> {
        let (width, label) = match range {
            IpNet::V4(_) => (32, 8),
            IpNet::V6(_) => (128, 4),
        };
        let length = range.prefix_len().div_ceil(label) * label;
        let labels = usize::from(length / label);
        let all = usize::from(width / label);
        (range.trunc().subnets(length))
            .into_iter()
            .flatten()
            .map(|part| Self(reverse_name(part, all - labels)))
            .collect()
    }
}

/// The reverse name of the range's first address, without so many labels at the front.
fn reverse_name(range: IpNet, without: usize) -> String {
    let (mut labels, tree) = match range {
        IpNet::V4(range) => {
            let octets = range.addr().octets().into_iter();
            (octets.map(|octet| octet.to_string()).collect(), "in-addr")
        }
        IpNet::V6(range) => {
            let octets = range.addr().octets().into_iter();
            let nibbles = octets.flat_map(|octet| [octet >> 4, octet & 15]);
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            (labels, "ip6")
        }
    };
    labels.reverse();
    let mut name: String = (labels.iter().skip(without))
        .map(|label| format!("{label}."))
        .collect();
    name.push_str(tree);
    name.push_str(".arpa.");
    name
}
