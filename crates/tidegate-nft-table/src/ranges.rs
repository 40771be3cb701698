//! Address ranges as the kernel wants them: sorted, and none touching another.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use tidegate_netlink::nftables::{Element, Family, Tuple};

/// The first and the last address of a range, as numbers.
type Range = (u128, u128);

/// The elements that stand for networks, of which those of another family are left out.
pub fn networks<'a>(family: Family, networks: impl IntoIterator<Item = &'a IpNet>) -> Vec<Element> {
    elements(family, merged(family, networks))
}

/// The elements that stand for networks without the loopback addresses.
pub fn networks_but_loopback<'a>(
    family: Family,
    networks: impl IntoIterator<Item = &'a IpNet>,
) -> Vec<Element> {
    let loopback: Range = match family {
        Family::Ip => (
            number(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0))),
            number(IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255))),
        ),
        Family::Ip6 => (
            number(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            number(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ),
    };
    let without = merged(family, networks)
        .into_iter()
        .flat_map(|(first, last)| {
            let before = (first, last.min(loopback.0.saturating_sub(1)));
            let behind = (first.max(loopback.1 + 1), last);
            match last < loopback.0 || first > loopback.1 {
                true => vec![(first, last)],
                false => vec![before, behind],
            }
        })
        .filter(|(first, last)| first <= last)
        .collect();
    elements(family, without)
}

/// The elements that stand for a key joined to networks, of which those of another family are left
/// out.
pub fn joined<'a>(
    key: &Tuple,
    family: Family,
    networks: impl IntoIterator<Item = &'a IpNet>,
) -> Vec<Element> {
    let end = |number| key.clone().address(address(family, number));
    let ranges = merged(family, networks).into_iter();
    ranges
        .map(|(first, last)| Element::range(end(first), end(last)))
        .collect()
}

/// The family of an address.
pub fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Ip,
        IpAddr::V6(_) => Family::Ip6,
    }
}

/// Every address of a family.
pub fn everything(family: Family) -> IpNet {
    match family {
        Family::Ip => IpNet::from(ipnet::Ipv4Net::default()),
        Family::Ip6 => IpNet::from(ipnet::Ipv6Net::default()),
    }
}

/// The sorted, disjoint and not adjacent ranges that networks of a family cover.
fn merged<'a>(family: Family, networks: impl IntoIterator<Item = &'a IpNet>) -> Vec<Range> {
    let mut ranges: Vec<Range> = networks
        .into_iter()
        .filter(|network| network.addr().is_ipv4() == (family == Family::Ip))
        .map(|network| (number(network.network()), number(network.broadcast())))
        .collect();
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn elements(family: Family, ranges: Vec<Range>) -> Vec<Element> {
    let tuple = |number| Tuple::new().address(address(family, number));
    ranges
        .into_iter()
        .map(|(first, last)| match first == last {
            true => Element::key(tuple(first)),
            false => Element::range(tuple(first), tuple(last)),
        })
        .collect()
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::Ip => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))),
        Family::Ip6 => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_netlink::nftables::{Datatype, Set};

    fn shown(elements: &[Element], datatype: Datatype) -> Vec<String> {
        let set = Set::of("s", [datatype]).with_intervals();
        elements
            .iter()
            .map(|one| set.show(one).to_string())
            .collect()
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts
            .iter()
            .map(|text| text.parse().expect("a network"))
            .collect()
    }

    #[test]
    fn overlapping_and_adjacent_networks_become_one() {
        let networks = networks(
            Family::Ip,
            &nets(&[
                "10.1.0.0/16",
                "10.0.0.0/16",
                "10.0.5.0/24",
                "10.3.0.0/16",
                "fd00::/8",
            ]),
        );
        assert_eq!(
            shown(&networks, Datatype::Ipv4Addr),
            ["10.0.0.0/15", "10.3.0.0/16"]
        );
    }

    #[test]
    fn everything_but_loopback() {
        let v4 = networks_but_loopback(Family::Ip, &[everything(Family::Ip)]);
        assert_eq!(
            shown(&v4, Datatype::Ipv4Addr),
            ["0.0.0.0-126.255.255.255", "128.0.0.0/1"]
        );
        let v6 = networks_but_loopback(Family::Ip6, &[everything(Family::Ip6)]);
        assert_eq!(
            shown(&v6, Datatype::Ipv6Addr),
            ["::", "::2-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
        );
        let inside = networks_but_loopback(Family::Ip, &nets(&["127.0.0.1/32"]));
        assert!(inside.is_empty());
    }
}
