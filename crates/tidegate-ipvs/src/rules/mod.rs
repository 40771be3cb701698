//! The few rules beside the virtual servers, which are the same whatever Services exist.
//!
//! A packet meets IPVS in the hooks `INPUT` and `OUTPUT`, behind the tables `mangle` and `nat` and,
//! on its way in, behind `filter`. So `mangle` decides first who may not come in and which
//! connections from inside go elsewhere than those from outside; `nat` marks what is to be
//! masqueraded when it leaves; `filter` refuses what no Service port claims. `filter` in `OUTPUT`
//! would be too late for this node's own packets.
//!
//! The names of sets are kube-proxy's; what they can't say has a set of ours (see [`crate::sets`]).
//! The chains carry names of their own, `KUBE-IPVS-…`, because kube-proxy gives chains of its two
//! modes the same names, and here one mode serves before the other one is taken down.

mod filter;
mod mangle;
mod nat;

use std::fmt;

use tidegate_model::IpFamily;
use tidegate_plan::{PlanSettings, PodTraffic};

use crate::IpvsOptions;
use crate::sets::SetId;

/// What the names of our chains begin with, and nobody else's.
pub(crate) const OURS: &str = "KUBE-IPVS-";

/// Our part of one of the tables of `iptables`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Chains of the table that lead into ours: where from, and the rule.
    pub(crate) jumps: Vec<(&'static str, String)>,
    /// Our chains, with their rules.
    pub(crate) chains: Vec<(&'static str, Vec<String>)>,
}

/// All rules of a family.
pub(crate) fn tables(
    family: IpFamily,
    settings: &PlanSettings,
    options: &IpvsOptions,
) -> [Table; 3] {
    let writer = Writer {
        family,
        settings,
        options,
    };
    [writer.mangle(), writer.nat(), writer.filter()]
}

struct Writer<'a> {
    family: IpFamily,
    settings: &'a PlanSettings,
    options: &'a IpvsOptions,
}

impl Writer<'_> {
    /// A test whether a packet's frontend is in a set of addresses and ports.
    fn to_frontend(&self, set: SetId) -> String {
        format!("-m set --match-set {} dst,dst", set.name(self.family))
    }

    fn not_to_frontend(&self, set: SetId) -> String {
        format!("-m set ! --match-set {} dst,dst", set.name(self.family))
    }

    fn to_address(&self, set: SetId) -> String {
        format!("-m set --match-set {} dst", set.name(self.family))
    }

    fn not_to_address(&self, set: SetId) -> String {
        format!("-m set ! --match-set {} dst", set.name(self.family))
    }

    fn frontend_and_source(&self, set: SetId) -> String {
        format!("-m set --match-set {} dst,dst,src", set.name(self.family))
    }

    /// Tests for packets from pods, any of which may hold; none where it can't be told.
    fn pod_tests(&self) -> Vec<String> {
        match self.settings.pod_traffic_of(self.family) {
            PodTraffic::Unknown => Vec::new(),
            PodTraffic::Cidrs(cidrs) => cidrs.iter().map(|cidr| format!("-s {cidr}")).collect(),
            PodTraffic::Bridge(name) => vec![format!("-i {name}")],
            PodTraffic::InterfacePrefix(prefix) => vec![format!("-i {prefix}+")],
        }
    }

    fn bit(&self) -> String {
        let bit = 1u32.checked_shl(self.options.masquerade_bit.into());
        format!("{:#x}", bit.unwrap_or_default())
    }
}

impl fmt::Display for Table {
    /// Prints it as `iptables-save` does, ready for `iptables-restore --noflush`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "*{}", self.name)?;
        for (chain, _) in &self.chains {
            writeln!(f, ":{chain} - [0:0]")?;
        }
        for (chain, rule) in &self.jumps {
            writeln!(f, "-A {chain} {rule}")?;
        }
        for (chain, rules) in &self.chains {
            for rule in rules {
                writeln!(f, "-A {chain} {rule}")?;
            }
        }
        writeln!(f, "COMMIT")
    }
}
