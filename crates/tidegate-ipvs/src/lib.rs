//! The IPVS mode: virtual servers in the kernel, which `ipvsadm -Ln` shows.
//!
//! A frontend is a virtual server, its backends are the real servers. IPVS takes only packets for
//! the node itself, so the virtual addresses are on a device, `kube-ipvs0`. What virtual servers
//! can't say (masquerading, source ranges, refusing and dropping) say a few rules of iptables, which
//! are the same whatever Services exist; what they are about stands in sets. [`render`] prints all
//! of it. A connection costs the same look-ups whatever exists, and a change touches the objects of
//! the Services that changed.
//!
//! Where connections from inside (pods, this node) go elsewhere than those from outside, they get a
//! mark and find a second virtual server by it. Servers that go keep their connections until those
//! end. What isn't ours is never touched: other people's virtual servers, sets and rules.
//!
//! This crate turns plans into objects (pure) and objects into netlink messages and
//! `iptables-restore`. It never talks to the API, and decides nothing that the plan has decided.

mod addresses;
mod compare;
mod content;
mod device;
mod drift;
mod elements;
mod error;
mod family_state;
mod found;
mod iptables;
mod keep_sets;
mod marks;
mod mode;
mod options;
mod program;
mod reconcile;
mod requirements;
mod retire;
mod rules;
mod scheduler;
mod servers;
mod sets;
mod shares;
mod sysctls;
mod withdraw;

pub use mode::IpvsMode;
pub use options::IpvsOptions;
pub use program::render;
pub use scheduler::SCHEDULERS;

use std::path::Path;

use tidegate_model::IpFamily;
use tidegate_netlink::Family;

/// The device that carries the virtual addresses; kube-proxy's name. It is ours alone.
const DEVICE: &str = "kube-ipvs0";

/// The kernel's name of a family.
fn family(family: IpFamily) -> Family {
    match family {
        IpFamily::V4 => Family::V4,
        IpFamily::V6 => Family::V6,
    }
}

/// Whether the kernel has a family at all.
fn is_usable(family: IpFamily) -> bool {
    match family {
        IpFamily::V4 => true,
        IpFamily::V6 => Path::new("/proc/net/if_inet6").exists(),
    }
}
