//! The modes that there are, and what the suite has to know about each.

use tidegate_dataplane::{Dataplane, DataplaneError};
use tidegate_iptables::{IptablesMode, IptablesOptions};
use tidegate_ipvs::{IpvsMode, IpvsOptions};
use tidegate_nftables::NftablesMode;
use tidegate_userspace::{UserspaceMode, UserspaceOptions, WithLoopbackNodePorts};

/// A proxy mode, and how to do it harm.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Its name, as `--proxy-mode` takes it.
    pub name: &'static str,
    /// Opens it in the calling thread's network namespace.
    pub open: fn() -> Box<dyn Dataplane>,
    /// Commands by which somebody else takes the whole program away.
    pub flush: &'static [&'static str],
    /// Commands by which somebody else takes a part of it away, without which nothing is served.
    pub edit: &'static [&'static str],
    /// Whether its rows run in a virtual machine, since the kernels that tests run on lack it.
    pub needs_vm: bool,
    /// The mode that it is switched from and to.
    pub neighbour: &'static str,
}

/// All modes, in the order of the table's columns.
pub const MODES: &[Mode] = &[
    Mode {
        name: "userspace",
        open: open_userspace,
        flush: &["nft flush ruleset"],
        edit: &[
            "nft flush table ip tidegate-userspace",
            "nft flush table ip6 tidegate-userspace",
        ],
        needs_vm: false,
        neighbour: "nftables",
    },
    Mode {
        name: "iptables",
        open: open_iptables,
        flush: &[
            "iptables -t nat -F",
            "iptables -t filter -F",
            "ip6tables -t nat -F",
            "ip6tables -t filter -F",
        ],
        edit: &[
            "iptables -t nat -F KUBE-SERVICES",
            "ip6tables -t nat -F KUBE-SERVICES",
        ],
        needs_vm: false,
        neighbour: "nftables",
    },
    Mode {
        name: "ipvs",
        open: open_ipvs,
        flush: &["ipvsadm -C"],
        edit: &[
            "ipvsadm -d -t 10.96.0.1:80 -r 10.244.0.11:9376",
            "ipvsadm -d -t [fd00:96::1]:80 -r [fd00:244::11]:9376",
        ],
        needs_vm: true,
        neighbour: "nftables",
    },
    Mode {
        name: "nftables",
        open: open_nftables,
        flush: &["nft flush ruleset"],
        edit: &[
            "nft flush map ip tidegate slots",
            "nft flush map ip6 tidegate slots",
        ],
        needs_vm: false,
        neighbour: "iptables",
    },
];

/// A mode by its name.
pub fn mode(name: &str) -> Option<Mode> {
    MODES.iter().find(|mode| mode.name == name).copied()
}

fn open_userspace() -> Box<dyn Dataplane> {
    Box::new(opened(UserspaceMode::open(UserspaceOptions::default())))
}

fn open_iptables() -> Box<dyn Dataplane> {
    Box::new(opened(IptablesMode::open(IptablesOptions::default())))
}

fn open_ipvs() -> Box<dyn Dataplane> {
    with_loopback(opened(IpvsMode::open(IpvsOptions::default())))
}

fn open_nftables() -> Box<dyn Dataplane> {
    with_loopback(opened(NftablesMode::open()))
}

/// The mode as the proxy runs it: its program in the kernel doesn't reach 127.0.0.1.
fn with_loopback(mode: impl Dataplane + 'static) -> Box<dyn Dataplane> {
    let options = UserspaceOptions::default();
    Box::new(opened(WithLoopbackNodePorts::new(mode, &options)))
}

/// A mode that this machine has, or a failed row.
fn opened<M>(mode: Result<M, DataplaneError>) -> M {
    mode.unwrap_or_else(|error| panic!("{error}"))
}
