//! Which scheduler a virtual server gets, and how.

use std::time::Duration;

use tidegate_model::SessionAffinity;
use tidegate_netlink::ipvs::{Hashing, Persistence, VirtualAddress, VirtualServer};
use tidegate_plan::{Backend, PortPlan};

/// The schedulers that a Service or the configuration can ask for: the kernel's modules
/// `ip_vs_rr`, `ip_vs_wrr` and so on.
pub const SCHEDULERS: &[&str] = &["rr", "wrr", "lc", "wlc", "sh", "dh", "sed", "nq", "mh"];

/// The longest persistence that the kernel takes: 31 days.
const LONGEST: u64 = 31 * 86_400;

/// What clients of a port have in common across its virtual servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// The port has one virtual server: it remembers for itself.
    OfOne,
    /// The port has several, each with a memory of its own. Where a client goes first must follow
    /// from its address, so that it is the same backend everywhere.
    OfSeveral,
    /// The virtual server is found by mark. The kernel can't remember clients there: for a
    /// persistent one it ignores the ports of real servers. A client's address alone must do.
    None,
}

/// The virtual server of a port at an address.
pub(crate) fn virtual_server(
    address: VirtualAddress,
    port: &PortPlan,
    backends: &[Backend],
    default: &str,
    memory: Memory,
) -> VirtualServer {
    let asked = port
        .scheduler
        .as_ref()
        .map(|scheduler| scheduler.0.as_str());
    let asked = asked.filter(|name| SCHEDULERS.contains(name));
    let timeout = match port.affinity {
        SessionAffinity::None => None,
        SessionAffinity::ClientIp(timeout) => Some(timeout),
    };
    let scheduler = match (asked, timeout, memory) {
        (Some(asked), _, Memory::OfOne | Memory::OfSeveral) | (Some(asked), None, _) => asked,
        // Of the two that go by the client's address this one moves the fewest clients when
        // backends come and go.
        (None, Some(_), Memory::OfSeveral) | (_, Some(_), Memory::None) => "mh",
        (None, _, _) => by_weight(default, backends),
    };
    let persistence = timeout.filter(|_| memory != Memory::None);
    VirtualServer {
        persistence: persistence.map(|timeout| Persistence {
            timeout: seconds(timeout),
            prefix: address.family().bits(),
        }),
        hashing: hashing(scheduler, timeout.is_some()),
        ..VirtualServer::new(address, scheduler)
    }
}

/// The scheduler that heeds weights, where the default doesn't and there are some to be heeded.
fn by_weight<'a>(default: &'a str, backends: &[Backend]) -> &'a str {
    let is_weighted = backends
        .windows(2)
        .any(|pair| pair[0].weight != pair[1].weight);
    match default {
        "rr" if is_weighted => "wrr",
        "lc" if is_weighted => "wlc",
        default => default,
    }
}

/// What the hashing schedulers may do. Without a fall-back, clients whose hash leads to a backend
/// that drains would be refused. Upstream has `mh` spread the connections of one client, too; where
/// clients shall stay it must not.
fn hashing(scheduler: &str, stays: bool) -> Hashing {
    match scheduler {
        "sh" => Hashing {
            fallback: true,
            port: false,
        },
        "mh" => Hashing {
            fallback: true,
            port: !stays,
        },
        _ => Hashing::default(),
    }
}

/// Whether a real server may stay with weight 0 until its connections end. `dh` can't skip it: it
/// would refuse all whom it sends there.
pub(crate) fn can_drain(scheduler: &str) -> bool {
    scheduler != "dh"
}

fn seconds(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_secs().clamp(1, LONGEST)).unwrap_or(u32::MAX)
}
