//! What an operator decides about the zone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hickory_proto::rr::Name;
use ipnet::IpNet;

use super::pointers::Reverse;

/// The part of the zone that doesn't come from the API.
#[derive(Clone, Debug)]
pub struct ZoneSettings {
    /// The domain that every name of the cluster ends in.
    pub domain: ClusterDomain,
    /// How long clients may keep an answer, in seconds; 5 as in CoreDNS.
    pub ttl: u32,
    /// Whether names that spell a pod's address have records.
    pub pod_names: PodNames,
    /// Addresses under which clients reach this server, the Service's cluster IP included: they
    /// lead to the zone's NS records, and no query is ever forwarded to them.
    pub name_servers: Vec<IpAddr>,
    /// Networks whose reverse names belong to the cluster alone. An address in one of them that
    /// nobody has gets NXDOMAIN instead of being asked for elsewhere.
    pub reverse_networks: Vec<IpNet>,
}

impl Default for ZoneSettings {
    fn default() -> Self {
        Self {
            domain: ClusterDomain::default(),
            ttl: 5,
            pod_names: PodNames::default(),
            name_servers: Vec::new(),
            reverse_networks: Vec::new(),
        }
    }
}

impl ZoneSettings {
    /// Whether a reverse name lies in a network that is the cluster's alone.
    pub(super) fn owns(&self, reverse: &Reverse) -> bool {
        self.reverse_networks
            .iter()
            .any(|network| network.contains(&reverse.network()))
    }
}

/// Names of the form `10-0-0-7.NAMESPACE.pod.DOMAIN`.
///
/// CoreDNS has a third way, `verified`, which needs to know all pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodNames {
    /// They don't exist; CoreDNS's own default.
    #[default]
    Disabled,
    /// The address that the name spells, whether or not a pod has it; kubeadm's default.
    Insecure,
}

/// A cluster's domain: `cluster.local` by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDomain(Name);

/// Text that can't be a cluster's domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} can't be a cluster domain: use at most 58 characters of labels from letters, digits and '-', joined by dots, such as cluster.local"
)]
pub struct InvalidDomain(String);

impl ClusterDomain {
    /// Three labels of 63 octets and `svc` before it must fit into a name of 255 octets.
    const MAX_LENGTH: usize = 58;

    /// The domain as it was configured.
    pub(crate) fn name(&self) -> &Name {
        &self.0
    }

    pub(crate) fn contains(&self, name: &Name) -> bool {
        self.0.zone_of(name)
    }

    /// The end of a name inside the domain, in the letter case of that name.
    pub(super) fn as_written_in(&self, name: &Name) -> Name {
        name.trim_to(usize::from(self.0.num_labels()))
    }
}

impl Default for ClusterDomain {
    fn default() -> Self {
        // Two short labels always make a name.
        let labels: [&[u8]; 2] = [b"cluster", b"local"];
        Self(Name::from_labels(labels).unwrap_or_default())
    }
}

impl FromStr for ClusterDomain {
    type Err = InvalidDomain;

    /// Reads a domain with or without the trailing dot.
    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        let invalid = || InvalidDomain(text.to_owned());
        let bare = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            !label.starts_with('-')
                && !label.ends_with('-')
                && (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if bare.len() > Self::MAX_LENGTH || !bare.split('.').all(is_label) {
            return Err(invalid());
        }
        Name::from_labels(bare.split('.').map(str::as_bytes))
            .map(Self)
            .map_err(|_| invalid())
    }
}

impl fmt::Display for ClusterDomain {
    /// Prints the domain without the trailing dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_ascii().trim_end_matches('.'))
    }
}
