//! The modes that there are, and what the suite has to know about each.

use std::time::Duration;

use tidegate_dataplane::Dataplane;
use tidegate_modes::{IptablesOptions, ModeOptions, Variant};

use crate::Losses;

/// A proxy mode, and how to do it harm.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Its name, as `--proxy-mode` takes it.
    pub name: &'static str,
    /// The table's column that tells what holds in it.
    pub column: &'static str,
    /// Opens it in the calling thread's network namespace.
    pub open: fn() -> Box<dyn Dataplane>,
    /// Commands by which somebody else takes the whole program away.
    pub flush: &'static [&'static str],
    /// Commands by which somebody else takes a part of it away, without which nothing is served.
    pub edit: &'static [&'static str],
    /// Commands that list the whole program.
    pub list: &'static [&'static str],
    /// Whether it has programs of the host write rules: those outlive it by a moment.
    pub uses_programs: bool,
    /// What clients lose when the mode's process dies.
    pub losses: Losses,
    /// Whether its rows run in a virtual machine, since the kernels that tests run on lack it.
    pub needs_vm: bool,
    /// The mode that it is switched from and to.
    pub neighbour: &'static str,
}

/// All modes, in the order of the table's columns.
pub const MODES: &[Mode] = &[
    Mode {
        name: "userspace",
        column: "userspace",
        open: || opened(tidegate_modes::Mode::Userspace, ModeOptions::default()),
        flush: &["nft flush ruleset"],
        edit: &[
            "nft flush table ip tidegate-userspace",
            "nft flush table ip6 tidegate-userspace",
        ],
        list: &["nft list ruleset"],
        uses_programs: false,
        losses: Losses::Connections,
        needs_vm: false,
        neighbour: "nftables",
    },
    IPTABLES,
    Mode {
        name: "ipvs",
        column: "ipvs",
        open: || opened(tidegate_modes::Mode::Ipvs, ModeOptions::default()),
        flush: &["ipvsadm -C"],
        edit: &[
            "ipvsadm -d -t 10.96.0.1:80 -r 10.244.0.11:9376",
            "ipvsadm -d -t [fd00:96::1]:80 -r [fd00:244::11]:9376",
        ],
        list: &[
            "ipvsadm -Sn",
            "ipset save",
            "ip -o addr show dev kube-ipvs0",
            "iptables-save",
            "ip6tables-save",
        ],
        uses_programs: true,
        losses: Losses::Nothing,
        needs_vm: true,
        neighbour: "nftables",
    },
    Mode {
        name: "nftables",
        column: "nftables",
        open: || opened(tidegate_modes::Mode::Nftables, ModeOptions::default()),
        flush: &["nft flush ruleset"],
        edit: &[
            "nft flush map ip tidegate slots",
            "nft flush map ip6 tidegate slots",
        ],
        list: &[
            // The rules have learned these from packets.
            "nft flush set ip tidegate node-addresses",
            "nft flush set ip6 tidegate node-addresses",
            "nft list ruleset",
        ],
        uses_programs: false,
        losses: Losses::Nothing,
        needs_vm: false,
        neighbour: "iptables",
    },
];

/// The iptables mode with the one or the other of the host's two iptables, whose faults differ.
pub const IPTABLES_VARIANTS: &[Mode] = &[
    Mode {
        name: "iptables-legacy",
        open: || opened_iptables(Variant::Legacy),
        flush: &[
            "iptables-legacy -t nat -F",
            "iptables-legacy -t filter -F",
            "ip6tables-legacy -t nat -F",
            "ip6tables-legacy -t filter -F",
        ],
        edit: &[
            "iptables-legacy -t nat -F KUBE-SERVICES",
            "ip6tables-legacy -t nat -F KUBE-SERVICES",
        ],
        list: &["iptables-legacy-save", "ip6tables-legacy-save"],
        ..IPTABLES
    },
    Mode {
        name: "iptables-nft",
        open: || opened_iptables(Variant::Nft),
        flush: &[
            "iptables-nft -t nat -F",
            "iptables-nft -t filter -F",
            "ip6tables-nft -t nat -F",
            "ip6tables-nft -t filter -F",
        ],
        edit: &[
            "iptables-nft -t nat -F KUBE-SERVICES",
            "ip6tables-nft -t nat -F KUBE-SERVICES",
        ],
        list: &["iptables-nft-save", "ip6tables-nft-save"],
        ..IPTABLES
    },
];

const IPTABLES: Mode = Mode {
    name: "iptables",
    column: "iptables",
    open: || opened(tidegate_modes::Mode::Iptables, ModeOptions::default()),
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
    list: &["iptables-save", "ip6tables-save"],
    uses_programs: true,
    losses: Losses::Nothing,
    needs_vm: false,
    neighbour: "nftables",
};

/// A mode, or a variant of one, by its name.
pub fn mode(name: &str) -> Option<Mode> {
    let all = MODES.iter().chain(IPTABLES_VARIANTS);
    all.copied().find(|mode| mode.name == name)
}

/// A mode as the proxy runs it, or a failed row where this machine doesn't have it.
fn opened(mode: tidegate_modes::Mode, options: ModeOptions) -> Box<dyn Dataplane> {
    tidegate_modes::open(mode, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn opened_iptables(variant: Variant) -> Box<dyn Dataplane> {
    let iptables = IptablesOptions {
        variant,
        // All tests wait for one lock, and none of them for long.
        lock_wait: Duration::from_secs(300),
        ..IptablesOptions::default()
    };
    let options = ModeOptions {
        iptables,
        ..ModeOptions::default()
    };
    opened(tidegate_modes::Mode::Iptables, options)
}
