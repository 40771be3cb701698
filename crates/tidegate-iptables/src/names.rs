//! The names of chains that belong to one port of a Service.
//!
//! They are upstream's: a prefix and the beginning of a hash, because a chain's name has 28
//! characters at most and a Service's has more.

use std::fmt::Write as _;
use std::net::SocketAddr;

use sha2::{Digest, Sha256};
use tidegate_model::{EndpointAddr, ServicePortName};

/// What the chains of Services begin with.
pub(crate) const PREFIXES: [&str; 5] = [
    "KUBE-SVC-",
    "KUBE-SVL-",
    "KUBE-SEP-",
    "KUBE-EXT-",
    "KUBE-FW-",
];

/// The chains of one port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortNames {
    /// The port in the words of comments: `namespace/name:port`, without `:port` if it has no name.
    pub(crate) comment: String,
    /// Balances among the cluster's backends.
    pub(crate) cluster: String,
    /// Balances among this node's backends.
    pub(crate) local: String,
    /// Takes what comes to external addresses and node ports.
    pub(crate) external: String,
    /// Lets only some sources through to a load-balancer address.
    pub(crate) firewall: String,
    /// What every hash of this port begins with.
    hashed: String,
}

impl PortNames {
    /// The names of a port's chains.
    pub(crate) fn of(port: &ServicePortName) -> Self {
        let mut comment = port.service.to_string();
        if !port.port.is_empty() {
            // Writing to a string can't fail.
            let _ = write!(comment, ":{}", port.port);
        }
        let hashed = format!("{comment}{}", port.protocol.lower_name());
        let hash = hash(&[&hashed]);
        Self {
            cluster: format!("KUBE-SVC-{hash}"),
            local: format!("KUBE-SVL-{hash}"),
            external: format!("KUBE-EXT-{hash}"),
            firewall: format!("KUBE-FW-{hash}"),
            comment,
            hashed,
        }
    }

    /// The chain that leads to one backend.
    pub(crate) fn endpoint(&self, addr: &EndpointAddr) -> String {
        format!("KUBE-SEP-{}", hash(&[&self.hashed, &destination(addr)]))
    }
}

/// An address and port as rules have them: `10.0.0.1:80`, `[fd00::1]:80`.
pub(crate) fn destination(addr: &EndpointAddr) -> String {
    SocketAddr::new(addr.ip, addr.port).to_string()
}

/// The first sixteen characters of the SHA-256 sum in base32 (RFC 4648).
fn hash(parts: &[&str]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut sum = Sha256::new();
    for part in parts {
        sum.update(part.as_bytes());
    }
    let sum = sum.finalize();
    // Sixteen characters of five bits are the first ten bytes, taken five at a time.
    sum[..10]
        .chunks_exact(5)
        .flat_map(|bytes| {
            let group = bytes
                .iter()
                .fold(0u64, |group, byte| group << 8 | u64::from(*byte));
            (0..8)
                .rev()
                .map(move |place| char::from(ALPHABET[(group >> (5 * place) & 31) as usize]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_model::{Protocol, ServiceKey};

    fn port(namespace: &str, name: &str, port: &str, protocol: Protocol) -> PortNames {
        PortNames::of(&ServicePortName {
            service: ServiceKey::new(namespace, name),
            port: port.to_owned(),
            protocol,
        })
    }

    #[test]
    fn names_are_those_of_real_clusters() {
        let kubernetes = port("default", "kubernetes", "https", Protocol::Tcp);
        assert_eq!(kubernetes.cluster, "KUBE-SVC-NPX46M4PTMTKRN6Y");
        let dns = port("kube-system", "kube-dns", "dns", Protocol::Udp);
        assert_eq!(dns.cluster, "KUBE-SVC-TCOU7JCQXEZGVUNU");
        let unnamed = port("default", "nginx", "", Protocol::Tcp);
        assert_eq!(unnamed.external, "KUBE-EXT-2CMXP7HKUVJN7L6M");
        assert_eq!(unnamed.comment, "default/nginx");
        let addr = EndpointAddr {
            ip: [10, 180, 0, 1].into(),
            port: 80,
        };
        let endpoint = port("ns1", "svc1", "p80", Protocol::Tcp).endpoint(&addr);
        assert_eq!(endpoint, "KUBE-SEP-SXIVWICOYRO3J4NJ");
    }
}
