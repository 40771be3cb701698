//! Where this server itself is reached: nothing is forwarded there.

use std::net::{IpAddr, SocketAddr, UdpSocket};

/// The addresses under which the server that asks is reached itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnAddresses {
    /// The addresses of its sockets; an unspecified one stands for all of this host's.
    pub listening: Vec<SocketAddr>,
    /// Addresses that lead to it from elsewhere, such as its Service's.
    pub advertised: Vec<IpAddr>,
}

/// The port that an advertised address is reached on.
const DNS_PORT: u16 = 53;

impl OwnAddresses {
    /// Whether a query to this address would come back to us.
    pub(crate) fn includes(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let port = address.port();
        let is_listening = |own: &SocketAddr| {
            let own_ip = own.ip().to_canonical();
            own.port() == port && (own_ip == ip || own_ip.is_unspecified() && is_of_this_host(ip))
        };
        let is_advertised_port =
            port == DNS_PORT || self.listening.iter().any(|own| own.port() == port);
        self.listening.iter().any(is_listening)
            || is_advertised_port && self.advertised.contains(&ip)
    }
}

/// Only a host's own addresses can be bound.
fn is_of_this_host(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::OwnAddresses;

    fn own(listening: &[&str], advertised: &[&str]) -> OwnAddresses {
        OwnAddresses {
            listening: listening
                .iter()
                .map(|text| text.parse().expect("an address"))
                .collect(),
            advertised: advertised
                .iter()
                .map(|text| text.parse().expect("an address"))
                .collect(),
        }
    }

    fn includes(own: &OwnAddresses, address: &str) -> bool {
        own.includes(address.parse().expect("an address"))
    }

    #[test]
    fn what_leads_back_is_known() {
        let own = own(&["127.0.0.1:53", "[::1]:5353"], &["10.96.0.10"]);
        for address in [
            "127.0.0.1:53",
            "10.96.0.10:53",
            "10.96.0.10:5353",
            "[::ffff:127.0.0.1]:53",
            "[::1]:5353",
        ] {
            assert!(includes(&own, address), "{address}");
        }
        for address in ["127.0.0.1:5300", "192.0.2.1:53", "10.96.0.10:5300"] {
            assert!(!includes(&own, address), "{address}");
        }
    }

    #[test]
    fn a_server_on_every_address_is_on_each_of_this_host() {
        let own = own(&["0.0.0.0:53"], &[]);
        assert!(includes(&own, "127.0.0.1:53"));
        assert!(includes(&own, "127.3.2.1:53"));
        assert!(!includes(&own, "127.0.0.1:54"));
        assert!(!includes(&own, "192.0.2.1:53"));
    }
}
