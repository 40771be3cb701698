//! Which address families a Service's endpoints have.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;

/// One of the two kinds of IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AddressFamily {
    Ipv4,
    Ipv6,
}

impl AddressFamily {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// The name in `spec.ipFamilies` and in a slice's `addressType`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }
}

/// The families to make slices for, the primary one first.
///
/// The API server fills in `spec.ipFamilies`; for objects older than the field the cluster IP
/// decides, and a headless Service without the field gets whatever addresses its pods have.
pub(crate) fn families(service: &Service) -> Vec<AddressFamily> {
    let Some(spec) = &service.spec else {
        return Vec::new();
    };
    let named: Vec<_> = (spec.ip_families.iter().flatten())
        .filter_map(|name| match name.as_str() {
            "IPv4" => Some(AddressFamily::Ipv4),
            "IPv6" => Some(AddressFamily::Ipv6),
            _ => None,
        })
        .collect();
    if !named.is_empty() {
        return named;
    }
    let cluster_ip = spec.cluster_ip.as_deref().unwrap_or_default();
    match cluster_ip.parse() {
        Ok(address) => vec![AddressFamily::of(address)],
        Err(_) => vec![AddressFamily::Ipv4, AddressFamily::Ipv6],
    }
}
