//! Addresses as upstream reads them.
//!
//! Upstream takes leading zeros in IPv4 addresses for what they have always been in Kubernetes,
//! nothing; the standard library refuses them. Ranges may have bits set beyond their prefix.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// Reads an address.
pub(crate) fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        let plain: Vec<&str> = text
            .split('.')
            .map(|part| match part.trim_start_matches('0') {
                "" if !part.is_empty() => "0",
                digits => digits,
            })
            .collect();
        plain.join(".").parse().ok().filter(IpAddr::is_ipv4)
    })
}

/// Reads a range; what it covers is what counts, not the address that it was written with.
pub(crate) fn parse_cidr(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    if !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let net = IpNet::new(parse_ip(address)?, length.parse().ok()?).ok()?;
    Some(net.trunc())
}

/// Takes `host:port` or `[host]:port` apart, as Go does: a host with colons needs its brackets.
pub(crate) fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':')?)
        }
        None => text.split_once(':')?,
    };
    let strange = |c| matches!(c, '[' | ']');
    let valid = !port.contains(':') && !host.contains(strange) && !port.contains(strange);
    valid.then_some((host, port))
}

/// Reads the port of an address to listen on, which can't be left to chance.
pub(crate) fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

/// Reads `address:port`.
pub(crate) fn parse_socket(text: &str) -> Option<SocketAddr> {
    let (host, port) = split_host_port(text)?;
    Some(SocketAddr::new(parse_ip(host)?, parse_port(port)?))
}

/// Adds the port to an address that has none. What is no address stays, for validation to name.
pub(crate) fn with_port(address: &str, port: u16) -> String {
    match parse_ip(address) {
        Some(ip) if ip.to_canonical().is_ipv4() => format!("{address}:{port}"),
        Some(_) => format!("[{address}]:{port}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_mean_nothing() {
        assert_eq!(parse_ip("010.000.0.09"), Some(IpAddr::from([10, 0, 0, 9])));
        for wrong in [
            "10..0.1",
            "10.0.1",
            "",
            "0",
            "1.2.3.4.5",
            "10.0.0.1:80",
            "fe80::1%eth0",
        ] {
            assert_eq!(parse_ip(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ranges_are_what_they_cover() {
        let covers = |text| parse_cidr(text).map(|net| net.to_string());
        assert_eq!(covers("10.244.3.7/16").as_deref(), Some("10.244.0.0/16"));
        assert_eq!(covers("fd00::1/64").as_deref(), Some("fd00::/64"));
        for wrong in [
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "/8",
            "a/b",
        ] {
            assert_eq!(covers(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hosts_with_colons_need_brackets() {
        assert_eq!(split_host_port("10.0.0.1:80"), Some(("10.0.0.1", "80")));
        assert_eq!(split_host_port("[::1]:80"), Some(("::1", "80")));
        for wrong in [
            "10.0.0.1",
            "::1:80",
            "[::1]",
            "[::1]80",
            "[::1:80",
            "a]:80",
            "[[::1]:80",
        ] {
            assert_eq!(split_host_port(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_port_is_added_only_where_there_is_none() {
        assert_eq!(with_port("0.0.0.0", 10256), "0.0.0.0:10256");
        assert_eq!(with_port("::", 10256), "[::]:10256");
        assert_eq!(with_port("0.0.0.0:1", 10256), "0.0.0.0:1");
        assert_eq!(with_port("[::]:1", 10256), "[::]:1");
        assert_eq!(with_port("here", 10256), "here");
    }
}
