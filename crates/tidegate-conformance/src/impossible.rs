//! What a mode can't do, by its nature, each with the reason.
//!
//! These rows are tried all the same: one that holds after all is a failure, so that this list
//! never says less of a mode than is true.

use tidegate_model::IpFamily;

use crate::Row;

/// Rows of a mode that can't hold.
struct Impossible {
    /// The mode, or all.
    mode: Option<&'static str>,
    /// The row's name.
    row: &'static str,
    /// The family, or both.
    family: Option<IpFamily>,
    reason: &'static str,
}

const KERNEL_CHOOSES: &str = "the kernel chooses a backend by the first packet, before anybody \
    knows whether the backend answers; only a mode that dials itself can try another one";

const PROXY_DIALS: &str = "the proxy accepts the connection and dials the backend itself, so the \
    backend sees the node";

const PROCESS_CARRIES: &str = "the proxy's process carries the bytes of its connections, which end \
    with it; nobody listens until the next start";

const ADDRESS_IS_OURS: &str = "the address is on kube-ipvs0, and so one of the node's own: packets \
    to its other ports end here too";

const MEMORY_IS_OF_A_SERVER: &str = "IPVS remembers clients for each virtual server, which each \
    frontend is; one for all of them, found by a mark, would not translate ports. Where a client \
    goes first follows from its address, so frontends agree until backends come";

const fn of(mode: &'static str, row: &'static str, reason: &'static str) -> Impossible {
    Impossible {
        mode: Some(mode),
        row,
        family: None,
        reason,
    }
}

const IMPOSSIBLE: &[Impossible] = &[
    of("iptables", "dead_backends_are_tried_past", KERNEL_CHOOSES),
    of(
        "ipvs",
        "client_stays_when_backends_come",
        MEMORY_IS_OF_A_SERVER,
    ),
    of("ipvs", "dead_backends_are_tried_past", KERNEL_CHOOSES),
    of(
        "ipvs",
        "unclaimed_port_of_external_ip_is_untouched",
        ADDRESS_IS_OURS,
    ),
    of("nftables", "dead_backends_are_tried_past", KERNEL_CHOOSES),
    of("userspace", "backend_sees_the_pod", PROXY_DIALS),
    of("userspace", "pods_are_told_as_configured", PROXY_DIALS),
    of("userspace", "restart_disturbs_nobody", PROCESS_CARRIES),
    of("userspace", "killed_at_any_point", PROCESS_CARRIES),
    Impossible {
        mode: None,
        row: "node_port_answers_on_loopback",
        family: Some(IpFamily::V6),
        reason: "127.0.0.1 is an address of IPv4; upstream has no node ports on ::1 either",
    },
];

/// Why a row can't hold in a mode and a family, if that is so.
pub(crate) fn why_not(mode: &str, row: &Row, family: IpFamily) -> Option<&'static str> {
    let fits = |one: &&Impossible| {
        one.row == row.name
            && one.mode.is_none_or(|name| name == mode)
            && one.family.is_none_or(|only| only == family)
    };
    IMPOSSIBLE.iter().find(fits).map(|one| one.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_about_a_row_and_a_mode_that_exist() {
        let rows = crate::rows();
        for one in IMPOSSIBLE {
            assert!(rows.iter().any(|row| row.name == one.row), "{}", one.row);
            let is_mode = |name| crate::mode(name).is_some();
            assert!(one.mode.is_none_or(is_mode), "{:?}", one.mode);
        }
    }
}
