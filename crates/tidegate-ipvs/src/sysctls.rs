//! The switches of the kernel that the mode needs, in the calling thread's network namespace.

use std::fs;

use tidegate_dataplane::DataplaneError;

use crate::IpvsOptions;
use crate::error::{MODE, failed};

/// A switch below `/proc/sys/net/ipv4` and the value that it must have.
type Switch = (&'static str, &'static str);

/// IPVS connections are tracked, so that their sources can be masqueraded.
const TRACK: Switch = ("vs/conntrack", "1");

/// What makes connections to real servers that are gone end at once instead of going nowhere, and
/// clients that stay with one of them choose anew; and forwarding, without which answers don't
/// pass.
const OTHERS: [Switch; 3] = [
    ("vs/expire_nodest_conn", "1"),
    ("vs/expire_quiescent_template", "1"),
    ("ip_forward", "1"),
];

/// What keeps this node from answering ARP for addresses that it has on other devices.
const STRICT_ARP: [Switch; 2] = [("conf/all/arp_ignore", "1"), ("conf/all/arp_announce", "2")];

/// Sets the switches and gives how many were set otherwise.
pub(crate) fn set(options: &IpvsOptions) -> Result<usize, DataplaneError> {
    let mut changed = usize::from(set_one(TRACK).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => DataplaneError::Missing {
            mode: MODE,
            missing: "connection tracking in IPVS".to_owned(),
            remedy: "use a kernel with CONFIG_IP_VS_NFCT".to_owned(),
        },
        _ => failed("setting net.ipv4.vs.conntrack=1", error),
    })?);
    let strict_arp = STRICT_ARP.iter().filter(|_| options.strict_arp);
    let reuse = kernel_version().and_then(reuse_of_ports);
    for switch in OTHERS.iter().chain(strict_arp).chain(&reuse) {
        match set_one(*switch) {
            Ok(is_changed) => changed += usize::from(is_changed),
            Err(error) => {
                let (name, value) = switch;
                let name = name.replace('/', ".");
                tracing::warn!(%error, "net.ipv4.{name} could not be set to {value}");
            }
        }
    }
    Ok(changed)
}

/// How a client's new connection from a port that it used a moment ago is told from the old one.
///
/// From 5.9 on the kernel looks at whether conntrack sees a new connection, and sends it to a living
/// backend at once (`conn_reuse_mode=1`, its default). Before that, this mode delayed each of them
/// by a second, and upstream switches it off.
fn reuse_of_ports(kernel: (u32, u32)) -> Option<Switch> {
    match kernel {
        (4, 1..) | (5, ..9) => Some(("vs/conn_reuse_mode", "0")),
        (0..4, _) | (4, 0) => None,
        _ => Some(("vs/conn_reuse_mode", "1")),
    }
}

fn kernel_version() -> Option<(u32, u32)> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let mut numbers = release
        .split(['.', '-'])
        .map(|part| part.trim().parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Writes only what differs: where `/proc/sys` can't be written, whoever set the machine up may have
/// set the switches, too.
fn set_one((name, value): Switch) -> std::io::Result<bool> {
    let path = format!("/proc/sys/net/ipv4/{name}");
    if fs::read_to_string(&path)?.trim() == value {
        return Ok(false);
    }
    fs::write(&path, value).map(|()| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_connections_from_old_ports_are_told_apart_where_the_kernel_can() {
        let mode = |kernel| reuse_of_ports(kernel).map(|(_, value)| value);
        assert_eq!(mode((3, 10)), None);
        assert_eq!(mode((4, 19)), Some("0"));
        assert_eq!(mode((5, 8)), Some("0"));
        assert_eq!(mode((5, 9)), Some("1"));
        assert_eq!(mode((6, 1)), Some("1"));
    }
}
