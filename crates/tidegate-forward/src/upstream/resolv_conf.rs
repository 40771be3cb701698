//! `/etc/resolv.conf`, as far as a forwarder needs it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// How many name servers a host's resolver uses (`MAXNS` of the C library).
const MAX_NAME_SERVERS: usize = 3;

/// The port that name servers in the file are asked on.
const DNS_PORT: u16 = 53;

/// The name servers in the order of the file. Other lines, and addresses that can't be read, are
/// passed over, as every resolver does.
pub(super) fn name_servers(text: &str) -> Vec<SocketAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            (words.next()? == "nameserver")
                .then(|| words.next())
                .flatten()
        })
        .filter_map(address)
        .take(MAX_NAME_SERVERS)
        .collect()
}

fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, DNS_PORT));
    }
    // `fe80::1%eth0`: the C library turns the link's name into a number, without asking anyone
    // since what stands before it is an address.
    let (ip, _) = text.split_once('%')?;
    ip.parse::<Ipv6Addr>().ok()?;
    (text, DNS_PORT).to_socket_addrs().ok()?.next()
}

#[cfg(test)]
mod tests {
    use super::name_servers;

    #[test]
    fn only_name_servers_are_read_and_at_most_three() {
        let text = "# nameserver 192.0.2.9\nsearch example.org\n nameserver\t192.0.2.1  # first\n\
                    nameserver nonsense\nnameserver 2001:db8::1\nnameserver\nnameserver 192.0.2.3\n\
                    nameserver 192.0.2.4\noptions ndots:5\n";
        let found: Vec<String> = name_servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.3:53"]);
    }

    #[test]
    fn a_link_local_server_keeps_its_link() {
        let found = name_servers("nameserver fe80::1%lo\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("[fe80::1%"));
    }
}
