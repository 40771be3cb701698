//! Who listens on this node.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const DNS_PORT: u16 = 53;

/// The addresses at which a process answers DNS over UDP.
pub(crate) fn served() -> io::Result<Vec<IpAddr>> {
    let mut served = Vec::new();
    for path in ["/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"] {
        match fs::read_to_string(path) {
            Ok(text) => served.extend(text.lines().skip(1).filter_map(local_address)),
            // A kernel without IPv6 has no such file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(served)
}

/// The address of a line of these files, if its port is that of DNS. Words of an address are in
/// the order of the machine's own octets.
fn local_address(line: &str) -> Option<IpAddr> {
    let (address, port) = line.split_whitespace().nth(1)?.split_once(':')?;
    if u16::from_str_radix(port, 16).ok()? != DNS_PORT {
        return None;
    }
    let mut octets = Vec::new();
    for start in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(start..start + 8)?, 16).ok()?;
        octets.extend(word.to_ne_bytes());
    }
    match octets.len() {
        4 => Some(IpAddr::V4(Ipv4Addr::from(
            <[u8; 4]>::try_from(octets).ok()?,
        ))),
        16 => Some(IpAddr::V6(Ipv6Addr::from(
            <[u8; 16]>::try_from(octets).ok()?,
        ))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_understood() {
        let read = |line| local_address(line).map(|address| address.to_string());
        let v4 = "  10: 0A14FEA9:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0";
        assert_eq!(read(v4).as_deref(), Some("169.254.20.10"));
        let v6 = "  11: 000080FE000000000000000001000000:0035 0:0 07";
        assert_eq!(read(v6).as_deref(), Some("fe80::1"));
        for other in [
            "",
            "  10: 0A14FEA9:0036 0",
            "  10: 0A14:0035",
            "x y:z",
            "x zz:0035",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
