//! One Service as its names need it.

use std::net::IpAddr;

use smallvec::SmallVec;
use tidegate_dns_wire::LowerName;
use tidegate_model::{EndpointSlice, Service, ServiceRole};

use crate::endpoints::{Endpoints, Port};
use crate::settings::EndpointLabels;

/// A Service with its ready endpoints.
#[derive(Debug)]
pub struct ServiceEntry {
    pub(crate) role: Role,
    pub(crate) endpoints: Endpoints,
}

/// What the Service's own name leads to.
#[derive(Debug)]
pub(crate) enum Role {
    /// Its virtual addresses, at most one a family, with or without endpoints.
    Balanced {
        addresses: SmallVec<[IpAddr; 2]>,
        ports: Box<[Port]>,
    },
    /// Its endpoints.
    Headless,
    /// Another name in wire form; `None` if what the Service gives is an address or no name at all.
    External(Option<Box<[u8]>>),
}

impl ServiceEntry {
    /// A Service with those of its endpoints that are ready.
    pub fn new<'a>(
        service: &Service,
        slices: impl IntoIterator<Item = &'a EndpointSlice>,
        labels: EndpointLabels,
    ) -> Self {
        let role = match &service.role {
            ServiceRole::Balanced => Role::Balanced {
                addresses: service.cluster_ips.iter().map(|ip| ip.0).collect(),
                ports: service.ports.iter().map(Port::from).collect(),
            },
            ServiceRole::Headless => Role::Headless,
            ServiceRole::External(target) => Role::External(host_name(target)),
        };
        let endpoints = match (&role, labels) {
            (Role::External(_), _) | (_, EndpointLabels::Nothing) => Endpoints::default(),
            _ => Endpoints::of(slices, labels),
        };
        Self { role, endpoints }
    }

    /// The addresses of the Service's own name.
    pub(crate) fn addresses(&self) -> &[IpAddr] {
        match &self.role {
            Role::Balanced { addresses, .. } => addresses,
            Role::Headless => self.endpoints.addresses(),
            Role::External(_) => &[],
        }
    }

    /// Whether the Service has this virtual address.
    pub(crate) fn has_virtual(&self, address: IpAddr) -> bool {
        matches!(&self.role, Role::Balanced { addresses, .. } if addresses.contains(&address))
    }

    /// Whether an address leads back to this Service.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.has_virtual(address) || self.endpoints.addresses().contains(&address)
    }

    /// Every address that leads back to this Service, sorted and each once.
    pub(crate) fn sorted_addresses(&self) -> Vec<IpAddr> {
        let mut all = self.endpoints.addresses().to_vec();
        if let Role::Balanced { addresses, .. } = &self.role {
            all.extend(addresses);
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl From<&tidegate_model::ServicePort> for Port {
    fn from(port: &tidegate_model::ServicePort) -> Self {
        Self {
            name: port.name.as_str().into(),
            protocol: port.protocol,
            number: port.port,
        }
    }
}

/// Reads an ExternalName. An IP literal isn't a name, and CoreDNS gives no CNAME for one.
fn host_name(target: &str) -> Option<Box<[u8]>> {
    if target.is_empty() || target.parse::<IpAddr>().is_ok() {
        return None;
    }
    let name = LowerName::from_text(target).ok()?;
    (name.count() > 0).then(|| name.as_wire().into())
}
