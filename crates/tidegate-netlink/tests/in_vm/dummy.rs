//! Dummy devices, which not every kernel has.

use std::net::IpAddr;

use tidegate_netlink::links::Links;

use crate::support::{own_namespace, run};

#[test]
#[ignore = "runs in the virtual machine"]
fn a_dummy_device_is_made_once_and_carries_addresses() {
    own_namespace();
    let mut links = Links::open().expect("the kernel has devices");
    let link = links.ensure_dummy("kube-ipvs0").expect("made");
    assert_eq!(
        (link.name.as_str(), link.kind.as_deref(), link.up),
        ("kube-ipvs0", Some("dummy"), false)
    );
    assert_eq!(links.ensure_dummy("kube-ipvs0").expect("there"), link);
    let addresses: Vec<IpAddr> = (0..5_000u32)
        .map(|n| IpAddr::from((0x0a60_0001 + n).to_be_bytes()))
        .chain(["fd00:96::1".parse().expect("an address")])
        .collect();
    assert_eq!(links.add_addresses(&link, &addresses).expect("sent"), []);
    assert_eq!(links.addresses().expect("readable").len(), addresses.len());
    let listed = run("ip addr show kube-ipvs0");
    for text in [
        "state DOWN",
        "inet 10.96.0.1/32 scope global kube-ipvs0",
        "inet6 fd00:96::1/128 scope global",
    ] {
        assert!(listed.contains(text), "{text} in {listed}");
    }
    assert_eq!(links.delete_addresses(&link, &addresses).expect("sent"), []);
    assert_eq!(links.addresses().expect("readable"), []);
    links.delete(&link).expect("deleted");
    assert_eq!(links.find("kube-ipvs0").expect("readable"), None);
}
