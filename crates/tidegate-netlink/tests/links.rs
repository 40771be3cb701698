//! What this crate makes of devices is what `ip` finds in the kernel. Dummy devices, which not every
//! kernel has, are tested with IPVS.

mod support;

use std::net::IpAddr;

use nix::errno::Errno;
use support::{own_namespace, run};
use tidegate_netlink::links::{Link, LinkAddress, LinkError, Links, Scope};

/// A namespace of its own with a device `d0`.
fn with_device() -> (Links, Link) {
    own_namespace();
    run("ip link add d0 type veth peer name d1");
    let mut links = Links::open().expect("the kernel has devices");
    let link = links.find("d0").expect("readable").expect("there");
    (links, link)
}

fn addresses_of(links: &mut Links, link: &Link) -> Vec<IpAddr> {
    let mut found = links.addresses().expect("readable");
    found.retain(|found| found.link == link.index);
    let mut found: Vec<_> = found.iter().map(|found| found.address).collect();
    found.sort();
    found
}

#[test]
fn a_device_is_found_by_name() {
    let (mut links, link) = with_device();
    assert_eq!(
        (link.name.as_str(), link.kind.as_deref(), link.up),
        ("d0", Some("veth"), false)
    );
    run("ip link set lo up");
    let lo = links.find("lo").expect("readable").expect("there");
    assert_eq!((lo.index, lo.kind, lo.up), (1, None, true));
    assert_eq!(links.find("none").expect("readable"), None);
}

#[test]
fn a_device_that_is_no_dummy_is_refused_and_left_alone() {
    let (mut links, link) = with_device();
    let error = links.ensure_dummy("d0").expect_err("it is a veth");
    assert_eq!(
        error.to_string(),
        "there is a device d0 already, and it is of the kind veth, not a dummy device"
    );
    assert_eq!(links.find("d0").expect("readable"), Some(link));
    let error = links.ensure_dummy("lo").expect_err("it is lo");
    assert!(matches!(error, LinkError::NotDummy { kind: None, .. }));
    let error = links.ensure_dummy("a-name-that-is-too-long").map(|_| ());
    assert!(error.is_err());
}

#[test]
fn addresses_are_added_and_deleted_whatever_was_there() {
    let (mut links, link) = with_device();
    let mut addresses: Vec<IpAddr> = ["10.96.0.1", "10.96.0.2", "fd00:96::1", "fd00:96::2"]
        .map(|text| text.parse().expect("an address"))
        .to_vec();
    for _ in 0..2 {
        let refused = links.add_addresses(&link, &addresses).expect("sent");
        assert_eq!(refused, []);
        assert_eq!(addresses_of(&mut links, &link), addresses);
    }
    let listed = run("ip -o addr show dev d0");
    for address in ["10.96.0.1/32 scope global", "fd00:96::1/128 scope global"] {
        assert!(listed.contains(address), "{listed}");
    }
    for _ in 0..2 {
        let some = [addresses[1], addresses[2]];
        let refused = links.delete_addresses(&link, &some).expect("sent");
        assert_eq!(refused, []);
    }
    addresses.drain(1..3);
    assert_eq!(addresses_of(&mut links, &link), addresses);
}

#[test]
fn each_refused_address_is_named_and_the_others_are_added() {
    let (mut links, link) = with_device();
    let mut addresses: Vec<IpAddr> = (0..600u16)
        .map(|n| IpAddr::from([10, 96, (n >> 8) as u8, n as u8]))
        .collect();
    let multicast = "ff02::1".parse().expect("an address");
    addresses[255] = multicast;
    addresses[256] = multicast;
    addresses[599] = multicast;
    let refused = links.add_addresses(&link, &addresses).expect("sent");
    let indices: Vec<_> = refused.iter().map(|refusal| refusal.index).collect();
    assert_eq!(indices, [255, 256, 599]);
    assert_eq!(addresses_of(&mut links, &link).len(), 597);
}

#[test]
fn an_address_is_local_once_its_route_is_there() {
    let (mut links, link) = with_device();
    run("ip link set lo up");
    run("ip -6 route add blackhole fd00:96::/112");
    for text in ["10.96.0.1", "fd00:96::1", "fd00:97::1"] {
        let address = text.parse().expect("an address");
        assert!(!links.is_local(address).expect("readable"), "{text}");
        assert_eq!(links.add_addresses(&link, &[address]).expect("sent"), []);
        while !links.is_local(address).expect("readable") {
            std::thread::yield_now();
        }
        let routes = run("ip route show table local") + &run("ip -6 route show table local");
        assert!(routes.contains(&format!("local {text} ")), "{routes}");
    }
}

#[test]
fn a_device_that_went_away_is_named_for_every_address() {
    let (mut links, link) = with_device();
    links.delete(&link).expect("deleted");
    links.delete(&link).expect("gone is gone");
    assert_eq!(links.find("d1").expect("readable"), None, "with its peer");
    let address = [IpAddr::from([10, 96, 0, 1])];
    let refused = links.add_addresses(&link, &address).expect("sent");
    assert_eq!(refused[0].reason.errno, Errno::ENODEV);
}

#[test]
fn all_addresses_of_the_machine_are_listed() {
    let (mut links, link) = with_device();
    run("ip link set lo up");
    run("ip addr add 192.168.7.1/24 dev d0");
    run("ip addr add 192.168.8.1 peer 192.168.8.2/32 dev d0");
    run("ip addr add fe80::7/64 dev d0 nodad");
    let found = links.addresses().expect("readable");
    let expected = [
        (1, "127.0.0.1", 8, Scope::Host),
        (1, "::1", 128, Scope::Host),
        (link.index, "192.168.7.1", 24, Scope::Universe),
        (link.index, "192.168.8.1", 32, Scope::Universe),
        (link.index, "fe80::7", 64, Scope::Link),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (link, address, prefix, scope) in expected {
        let address = address.parse().expect("an address");
        let wanted = LinkAddress {
            link,
            address,
            prefix,
            scope,
        };
        assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
    }
}
