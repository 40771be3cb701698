//! What an operator decides about the zone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use tidegate_dns_wire::LowerName;

/// The part of the zone that doesn't come from the API.
#[derive(Clone, Debug)]
pub struct ZoneSettings {
    /// The domains that every name of the cluster ends in; mostly there is one.
    pub domains: Vec<ClusterDomain>,
    /// How long clients may keep an answer, in seconds; 5 as in CoreDNS.
    pub ttl: u32,
    /// Whether names that spell a pod's address have records.
    pub pod_names: PodNames,
    /// Addresses under which clients reach this server, the Service's cluster IP included: they
    /// lead to the zone's NS records.
    pub name_servers: Vec<IpAddr>,
    /// Networks whose reverse names are answered from here. The smallest that an address is in
    /// counts.
    pub reverse_zones: Vec<ReverseZone>,
    /// The domains below which a name that doesn't exist here is asked for elsewhere.
    pub fallthrough: Vec<LowerName>,
    /// The only namespaces whose names exist; all if none is named.
    pub namespaces: Vec<String>,
    /// Whether a Service without ready endpoints doesn't exist, also where it has a virtual address.
    pub hides_empty_services: bool,
    /// Whether names that choose endpoints by their zone exist
    /// (`ZONE.pin._zone.SERVICE.NAMESPACE.svc` and `ZONE.prefer._zone…`).
    pub zonal: bool,
}

/// A network whose reverse names are answered from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReverseZone {
    /// The addresses: whole labels of reverse names, which are 8 bits of IPv4 and 4 of IPv6.
    pub network: IpNet,
    /// Whether an address that nobody has is asked for elsewhere, instead of not existing.
    pub fallthrough: bool,
}

/// Names of the form `10-0-0-7.NAMESPACE.pod.DOMAIN`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodNames {
    /// They don't exist; CoreDNS's own default.
    #[default]
    Disabled,
    /// The address that the name spells, whether or not a pod has it; kubeadm's default.
    Insecure,
    /// The address that the name spells, if a pod of that namespace has it.
    Verified,
}

/// What the name of an endpoint is that didn't ask for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndpointLabels {
    /// Its address with dashes; CoreDNS's default.
    #[default]
    Address,
    /// The name of its pod, where that is short enough for a label (CoreDNS's `endpoint_pod_names`).
    PodName,
    /// Endpoints aren't looked at (CoreDNS's `noendpoints`).
    Nothing,
}

/// A cluster's domain: `cluster.local` by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDomain(LowerName);

/// Text that can't be a cluster's domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} can't be a cluster domain: use at most 57 characters of labels from letters, digits and '-', joined by dots, such as cluster.local"
)]
pub struct InvalidDomain(String);

impl Default for ZoneSettings {
    fn default() -> Self {
        Self {
            domains: vec![ClusterDomain::default()],
            ttl: 5,
            pod_names: PodNames::default(),
            name_servers: Vec::new(),
            reverse_zones: Vec::new(),
            fallthrough: Vec::new(),
            namespaces: Vec::new(),
            hides_empty_services: false,
            zonal: false,
        }
    }
}

impl ZoneSettings {
    /// The reverse zone of an address or of a network.
    pub(crate) fn reverse_zone(&self, network: &IpNet) -> Option<&ReverseZone> {
        let zones = self.reverse_zones.iter();
        let around = zones.filter(|zone| zone.network.contains(network));
        around.max_by_key(|zone| zone.network.prefix_len())
    }

    /// Whether the names of a namespace may be seen.
    pub(crate) fn shows(&self, namespace: &[u8]) -> bool {
        let is_it = |one: &String| one.as_bytes().eq_ignore_ascii_case(namespace);
        self.namespaces.is_empty() || self.namespaces.iter().any(is_it)
    }

    /// Whether a name that doesn't exist here is asked for elsewhere.
    pub(crate) fn falls_through(&self, name: &LowerName) -> bool {
        let mut domains = self.fallthrough.iter();
        domains.any(|domain| name.labels_before(domain).is_some())
    }
}

impl ClusterDomain {
    /// Three labels of 63 octets and `svc` before it must fit into a name of 255 octets.
    const MAX_LENGTH: usize = 57;

    /// The domain as a name.
    pub fn name(&self) -> &LowerName {
        &self.0
    }
}

impl Default for ClusterDomain {
    fn default() -> Self {
        // Two short labels always make a name.
        Self(LowerName::from_text("cluster.local").unwrap_or(LowerName::ROOT))
    }
}

impl FromStr for ClusterDomain {
    type Err = InvalidDomain;

    /// Reads a domain with or without the trailing dot.
    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        let invalid = || InvalidDomain(text.to_owned());
        let bare = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(is_inner)
        };
        if bare.len() > Self::MAX_LENGTH || !bare.split('.').all(is_label) {
            return Err(invalid());
        }
        LowerName::from_text(bare).map(Self).map_err(|_| invalid())
    }
}

impl fmt::Display for ClusterDomain {
    /// Prints the domain without the trailing dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('.'))
    }
}
