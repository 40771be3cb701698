//! What this crate makes of sets is what `ipset` finds in the kernel, and what it reads back.

mod support;

use std::net::IpAddr;

use nix::errno::Errno;
use support::{own_namespace, run};
use tidegate_netlink::ipset::{Element, Entry, Ipset, IpsetError, Mark, Set, SetType};
use tidegate_netlink::{Family, Protocol};

fn open() -> Ipset {
    own_namespace();
    Ipset::open().expect("the kernel has ipset")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A set of each type and family with entries.
fn examples() -> Vec<(Set, Vec<Entry>)> {
    let net = |text: &str| text.parse().expect("a network");
    let families = [
        (Family::V4, ip("10.96.0.1"), ip("10.244.0.5"), "10.0.0.0/8"),
        (Family::V6, ip("fd00:96::1"), ip("fd00::5"), "fd00::/16"),
    ];
    let mut sets = Vec::new();
    for (family, vip, pod, range) in families {
        let set = |name: &str, set_type| Set::new(format!("{name}-{family}"), set_type, family);
        let marked = |value, mask| Entry {
            element: Element::IpPort(vip, Protocol::SCTP, value as u16),
            mark: Some(Mark { value, mask }),
        };
        let exact = format!("{pod}/{}", family.bits());
        sets.extend([
            (
                set("ip", SetType::HashIp),
                vec![Element::Ip(vip).into(), Element::Ip(pod).into()],
            ),
            (
                Set {
                    max_elements: 1 << 20,
                    ..set("port", SetType::HashIpPort)
                },
                vec![
                    Element::IpPort(vip, Protocol::TCP, 80).into(),
                    Element::IpPort(vip, Protocol::UDP, 53).into(),
                ],
            ),
            (
                Set {
                    marks: true,
                    ..set("mark", SetType::HashIpPort)
                },
                vec![
                    marked(1, u32::MAX),
                    marked(0x7400_0002, 0xff00_ffff),
                    Element::IpPort(vip, Protocol::TCP, 80).into(),
                ],
            ),
            (
                set("loop", SetType::HashIpPortIp),
                vec![Element::IpPortIp(pod, Protocol::TCP, 80, pod).into()],
            ),
            (
                set("net", SetType::HashIpPortNet),
                vec![
                    Element::IpPortNet(vip, Protocol::TCP, 80, net(range)).into(),
                    Element::IpPortNet(vip, Protocol::TCP, 80, net(&exact)).into(),
                ],
            ),
        ]);
    }
    let ports = Set::new("nodeports", SetType::BitmapPort, Family::V4);
    let some = [0, 30_000, 65_535].map(|port| Element::Port(port).into());
    sets.push((ports, some.to_vec()));
    sets
}

#[test]
fn ipset_saves_what_we_print() {
    let mut ipset = open();
    let mut ours = Vec::new();
    for (set, entries) in examples() {
        ipset.create(&set).expect("the set is accepted");
        let refused = ipset.add(&set.name, &entries).expect("there is the set");
        assert_eq!(refused, [], "{set}");
        ours.push(set.to_string());
        ours.extend(
            entries
                .iter()
                .map(|entry| format!("add {} {entry}", set.name)),
        );
    }
    let saved = run("ipset save");
    let mut saved: Vec<_> = saved.lines().map(str::trim_end).collect();
    saved.sort_unstable();
    ours.sort_unstable();
    assert_eq!(saved, ours);
}

#[test]
fn the_kernel_gives_back_what_it_was_given() {
    let mut ipset = open();
    for (set, mut entries) in examples() {
        ipset.create(&set).expect("the set is accepted");
        ipset.add(&set.name, &entries).expect("there is the set");
        let mut found = ipset.entries(&set).expect("readable").expect("there");
        found.sort();
        entries.sort();
        assert_eq!(found, entries, "{set}");
    }
    let sets = ipset.sets().expect("readable");
    assert_eq!(sets.len(), examples().len());
    for (set, entries) in examples() {
        let found = sets.iter().find(|found| found.name == set.name);
        let found = found.expect("it is listed");
        assert!(found.is(&set), "{found:?} should be {set:?}");
        assert_eq!(found.elements as usize, entries.len());
        assert!(
            !found.is(&Set {
                marks: !set.marks,
                ..set
            }),
            "{found:?}"
        );
    }
}

#[test]
fn a_set_that_somebody_made_otherwise_is_not_taken_for_ours() {
    let mut ipset = open();
    run("ipset create timed hash:ip timeout 30");
    run("ipset create counted hash:ip counters");
    run("ipset create masked hash:ip netmask 24");
    run("ipset create small bitmap:port range 1-100");
    run("ipset create strange hash:net");
    run("ipset create same hash:ip");
    let sets = ipset.sets().expect("readable");
    assert_eq!(sets.len(), 6);
    for found in sets {
        assert_eq!(found.set.is_some(), found.name == "same", "{found:?}");
    }
}

#[test]
fn what_is_there_already_or_is_gone_already_is_no_failure() {
    let mut ipset = open();
    let set = Set {
        marks: true,
        ..Set::new("s", SetType::HashIpPort, Family::V4)
    };
    ipset.create(&set).expect("accepted");
    let element = Element::IpPort(ip("10.0.0.1"), Protocol::TCP, 80);
    let with_mark = |value| Entry {
        element,
        mark: Some(Mark {
            value,
            mask: u32::MAX,
        }),
    };
    for value in [1, 2] {
        assert_eq!(ipset.add("s", &[with_mark(value)]).expect("there"), []);
    }
    let entries = ipset.entries(&set).expect("readable").expect("there");
    assert_eq!(entries, [with_mark(2)], "the mark is the last one");
    for _ in 0..2 {
        assert_eq!(ipset.delete("s", &[element]).expect("there"), []);
    }
    assert_eq!(
        ipset.entries(&set).expect("readable").expect("there"),
        vec![]
    );
}

#[test]
fn each_refused_element_is_named_and_the_others_go_in() {
    let mut ipset = open();
    let set = Set {
        max_elements: 1500,
        ..Set::new("s", SetType::HashIp, Family::V4)
    };
    ipset.create(&set).expect("accepted");
    let mut entries: Vec<Entry> = (0..1200u32)
        .map(|n| Element::Ip(IpAddr::from(n.to_be_bytes().map(|byte| byte | 1))).into())
        .collect();
    let wrong = [0, 511, 512, 700, 701, 1199];
    for index in wrong {
        entries[index] = Element::Ip(ip("fd00::1")).into();
    }
    let refused = ipset.add("s", &entries).expect("the set is there");
    let indices: Vec<_> = refused.iter().map(|refusal| refusal.index).collect();
    assert_eq!(indices, wrong);
    assert_eq!(refused[0].reason.errno, Errno::EPROTO);
    assert_eq!(
        refused[0].to_string(),
        "Protocol error (it doesn't fit the set)"
    );
    let found = ipset.entries(&set).expect("readable").expect("there");
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(found.contains(entry), !wrong.contains(&index), "{entry}");
    }
}

#[test]
fn what_does_not_fit_into_a_set_is_refused() {
    let mut ipset = open();
    let set = Set {
        max_elements: 10,
        ..Set::new("s", SetType::HashIp, Family::V4)
    };
    ipset.create(&set).expect("accepted");
    let entries: Vec<Entry> = (1..=12u8)
        .map(|n| Element::Ip([10, 0, 0, n].into()).into())
        .collect();
    let refused = ipset.add("s", &entries).expect("the set is there");
    assert_eq!(refused.len(), 2);
    assert_eq!(
        refused[0].to_string(),
        "No space left on device (the set is full)"
    );
}

#[test]
fn errors_say_what_was_refused_and_why() {
    let mut ipset = open();
    let set = Set::new("s", SetType::HashIp, Family::V4);
    let element = Element::Ip(ip("10.0.0.1"));
    let said = |error: IpsetError| error.to_string();
    assert_eq!(
        said(ipset.add("s", &[element.into()]).expect_err("no set")),
        "the kernel refused `add s 10.0.0.1`: No such file or directory"
    );
    assert_eq!(
        said(ipset.delete("s", &[element]).expect_err("no set")),
        "the kernel refused `del s 10.0.0.1`: No such file or directory"
    );
    assert_eq!(
        said(ipset.flush("s").expect_err("no set")),
        "the kernel refused `flush s`: No such file or directory"
    );
    assert_eq!(ipset.entries(&set).expect("readable"), None);
    ipset.create(&set).expect("accepted");
    assert_eq!(
        said(ipset.create(&set).expect_err("twice")),
        format!("the kernel refused `{set}`: File exists")
    );
    run("iptables-legacy -A INPUT -m set --match-set s src -j DROP");
    assert_eq!(
        said(ipset.destroy("s").expect_err("in use")),
        "the kernel refused `destroy s`: Device or resource busy (the set is in use by a rule)"
    );
    let sets = ipset.sets().expect("readable");
    assert_eq!(sets[0].references, 1);
}

#[test]
fn sets_are_emptied_exchanged_and_destroyed() {
    let mut ipset = open();
    let [one, two] = ["one", "two"].map(|name| Set::new(name, SetType::HashIp, Family::V4));
    ipset.create(&one).expect("accepted");
    ipset.create(&two).expect("accepted");
    let entry = Entry::from(Element::Ip(ip("10.0.0.1")));
    ipset.add("one", &[entry]).expect("there");
    ipset.swap("one", "two").expect("of one type");
    let mut content = |set| ipset.entries(set).expect("readable").expect("there");
    assert_eq!((content(&one), content(&two)), (vec![], vec![entry]));
    ipset.flush("two").expect("there");
    assert_eq!(ipset.entries(&two).expect("readable"), Some(vec![]));
    ipset.destroy("one").expect("there");
    for _ in 0..2 {
        ipset.destroy("two").expect("gone is gone");
    }
    assert_eq!(run("ipset save"), "");
}

#[test]
fn a_hundred_thousand_elements_go_in_and_come_back() {
    let mut ipset = open();
    let set = Set {
        max_elements: 1 << 20,
        ..Set::new("s", SetType::HashIpPort, Family::V6)
    };
    ipset.create(&set).expect("accepted");
    let mut entries: Vec<Entry> = (0..100_000u32)
        .map(|n| {
            let mut address = [0xfd; 16];
            address[12..].copy_from_slice(&n.to_be_bytes());
            Element::IpPort(address.into(), Protocol::TCP, 80).into()
        })
        .collect();
    assert_eq!(ipset.add("s", &entries).expect("there"), []);
    let mut found = ipset.entries(&set).expect("readable").expect("there");
    found.sort();
    entries.sort();
    assert!(found == entries, "{} came back", found.len());
}
