//! Programs as text.

use tidegate_plan::Plan;

use crate::{Mode, ModeOptions};

/// A mode's program for a plan, in the notation that its users know: a table of listeners,
/// `iptables-restore`, `ipvsadm` with `ipset` and `iptables-restore`, `nft`.
pub fn render(mode: Mode, plan: &Plan, options: &ModeOptions) -> String {
    match mode {
        Mode::Userspace => tidegate_userspace::render(plan),
        Mode::Iptables => tidegate_iptables::render(plan, &options.iptables),
        Mode::Ipvs => tidegate_ipvs::render(plan, &options.ipvs),
        Mode::Nftables => tidegate_nftables::render(plan),
    }
}
