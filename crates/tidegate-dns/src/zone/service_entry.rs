//! One Service as its names need it.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::Name;
use tidegate_model::{EndpointSlice, Service, ServiceKey, ServicePort, ServiceRole};

use super::endpoints::Endpoints;
use super::reverse_index::{OwnedAddresses, Owner};

/// A Service with its ready endpoints.
#[derive(Debug)]
pub(crate) struct ServiceEntry {
    pub(crate) key: Arc<ServiceKey>,
    pub(super) role: Role,
    pub(super) endpoints: Endpoints,
    /// Every address that leads back to this Service, with the name that it leads to.
    pub(super) owners: OwnedAddresses,
}

/// What the Service's own name leads to.
#[derive(Debug)]
pub(super) enum Role {
    /// Its virtual addresses, with or without endpoints.
    Balanced {
        addresses: Vec<IpAddr>,
        ports: Vec<ServicePort>,
    },
    /// Its endpoints.
    Headless,
    /// Another name; `None` if what the Service gives is an address or no name at all.
    External(Option<Name>),
}

impl ServiceEntry {
    pub(crate) fn new<'a>(
        service: &Service,
        slices: impl IntoIterator<Item = &'a EndpointSlice>,
    ) -> Self {
        let (role, endpoints) = match &service.role {
            ServiceRole::Balanced => {
                let role = Role::Balanced {
                    addresses: service.cluster_ips.iter().map(|ip| ip.0).collect(),
                    ports: service.ports.clone(),
                };
                (role, Endpoints::of(slices))
            }
            ServiceRole::Headless => (Role::Headless, Endpoints::of(slices)),
            ServiceRole::External(target) => {
                (Role::External(host_name(target)), Endpoints::default())
            }
        };
        let key = Arc::new(service.key.clone());
        Self {
            owners: owners(&key, &role, &endpoints).collect(),
            key,
            role,
            endpoints,
        }
    }

    /// The addresses of the Service's own name.
    pub(super) fn addresses(&self) -> &[IpAddr] {
        match &self.role {
            Role::Balanced { addresses, .. } => addresses,
            Role::Headless => self.endpoints.addresses(),
            Role::External(_) => &[],
        }
    }
}

fn owners<'a>(
    key: &'a Arc<ServiceKey>,
    role: &'a Role,
    endpoints: &'a Endpoints,
) -> impl Iterator<Item = (IpAddr, Owner)> + 'a {
    let virtual_addresses = match role {
        Role::Balanced { addresses, .. } => addresses.as_slice(),
        Role::Headless | Role::External(_) => &[],
    };
    let balanced = virtual_addresses
        .iter()
        .map(|address| (*address, Owner::Virtual(Arc::clone(key))));
    let pods = endpoints.hosts().flat_map(|host| {
        let owner = Owner::Endpoint(Arc::clone(key), Arc::clone(&host.label));
        host.addresses
            .iter()
            .map(move |address| (*address, owner.clone()))
    });
    balanced.chain(pods)
}

/// Reads an ExternalName. An IP literal isn't a name, and CoreDNS gives no CNAME for one.
fn host_name(target: &str) -> Option<Name> {
    if target.is_empty() || target.parse::<IpAddr>().is_ok() {
        return None;
    }
    let mut name = Name::from_ascii(target).ok()?;
    name.set_fqdn(true);
    Some(name)
}
