//! What the Node object tells about the machine.

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Facts that do not change while the machine runs. What cannot be read stays empty: nothing
/// depends on it.
#[derive(Debug, Clone)]
pub(crate) struct HostFacts {
    pub(crate) processors: usize,
    pub(crate) memory_kib: u64,
    pub(crate) kernel: String,
    pub(crate) os_image: String,
    pub(crate) machine_id: String,
    pub(crate) boot_id: String,
    /// As Kubernetes names it.
    pub(crate) architecture: &'static str,
}

impl HostFacts {
    pub(crate) fn read() -> Self {
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_kib: memory_kib(&text("/proc/meminfo")).unwrap_or(0),
            kernel: text("/proc/sys/kernel/osrelease"),
            os_image: os_image(&text("/etc/os-release")).unwrap_or_default(),
            machine_id: text("/etc/machine-id"),
            boot_id: text("/proc/sys/kernel/random/boot_id"),
            architecture: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            },
        }
    }
}

/// The addresses that the host uses towards the outside, one per address family: those of its
/// default routes. A machine without one is known by `fallback`, its addresses among the pods.
pub(crate) fn addresses(fallback: &[IpAddr]) -> Vec<IpAddr> {
    // Documentation addresses (RFC 5737, RFC 3849). Connecting a datagram socket sends nothing; it
    // only makes the kernel choose a route and with it the own address.
    let outside: [SocketAddr; 2] = [
        ([192, 0, 2, 1], 9).into(),
        ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9).into(),
    ];
    let mut found: Vec<IpAddr> = Vec::new();
    for target in outside {
        let any: SocketAddr = if target.is_ipv4() {
            ([0u8; 4], 0).into()
        } else {
            ([0u16; 8], 0).into()
        };
        let own = UdpSocket::bind(any)
            .and_then(|socket| socket.connect(target).and_then(|()| socket.local_addr()))
            .map(|address| address.ip())
            .ok()
            .filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
        let same_family = |ip: &&IpAddr| ip.is_ipv4() == target.is_ipv4();
        found.extend(own.or_else(|| fallback.iter().find(same_family).copied()));
    }
    found
}

fn text(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn memory_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn os_image(os_release: &str) -> Option<String> {
    let line = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_in_the_usual_files() {
        assert_eq!(
            memory_kib("MemFree: 1 kB\nMemTotal:   2048 kB\n"),
            Some(2048)
        );
        assert_eq!(memory_kib(""), None);
        let release = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(
            os_image(release).as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
    }

    #[test]
    fn addresses_are_usable_ones() {
        for address in addresses(&[]) {
            assert!(
                !address.is_loopback() && !address.is_unspecified(),
                "{address}"
            );
        }
    }
}
