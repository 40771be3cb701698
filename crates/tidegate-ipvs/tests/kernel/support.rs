//! What the tests have in common.

use std::time::{Duration, Instant};

use tidegate_dataplane::Dataplane;
use tidegate_ipvs::{IpvsMode, IpvsOptions};
use tidegate_testnet::Node;

pub(crate) use tidegate_testnet::{Answer, Call, Cluster, Protocol, World, address, ip};

pub(crate) const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];

pub(crate) fn open() -> Box<dyn Dataplane> {
    let mode = IpvsMode::open(IpvsOptions::default());
    Box::new(mode.unwrap_or_else(|error| panic!("{error}")))
}

/// Waits for something to become true; fails after a minute.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it did not happen"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What `ipvsadm -Ln` shows behind its heading, blanks folded.
pub(crate) fn listed(node: &Node) -> Vec<String> {
    let listing = node.world.node.run("ipvsadm -Ln");
    let lines = listing.lines().skip(3);
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// All virtual servers, sets, virtual addresses and rules, each kind in an order of its own.
pub(crate) fn everything(node: &Node) -> String {
    node.world.node.with(|| {
        let run = tidegate_testnet::run;
        let sorted = |lines: Vec<&str>| {
            let mut lines = lines;
            lines.sort_unstable();
            lines.join("\n")
        };
        let sets = run("ipset save");
        let sets = sets
            .lines()
            .map(|line| line.split(" initval").next().unwrap_or(line));
        let addresses = run("ip -o addr show");
        let addresses = addresses
            .lines()
            .filter_map(|line| line.split_once(" kube-ipvs0 "));
        let rules = [run("iptables-save"), run("ip6tables-save")].concat();
        // What iptables leaves of a table that is empty again is its own business.
        let rules = rules
            .lines()
            .filter(|line| line.starts_with("-A") || line.ends_with("[0:0]"));
        let rules: Vec<&str> = rules.filter(|line| !line.contains(" ACCEPT ")).collect();
        [
            sorted(run("ipvsadm -S -n").lines().collect()),
            sorted(sets.collect()),
            sorted(addresses.map(|(_, address)| address).collect()),
            rules.join("\n"),
        ]
        .join("\n\n")
    })
}
