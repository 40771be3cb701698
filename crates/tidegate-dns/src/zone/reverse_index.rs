//! From an address to the names that lead to it.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use tidegate_model::ServiceKey;

/// A name that an address belongs to. Virtual addresses come first in their order, since a
/// Service that has the address as its own wins over pods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// The cluster IP of a Service.
    Virtual(Arc<ServiceKey>),
    /// An endpoint of a Service, under its host name.
    Endpoint(Arc<ServiceKey>, Arc<str>),
}

/// The addresses of one Service.
pub(super) type OwnedAddresses = BTreeSet<(IpAddr, Owner)>;

#[derive(Debug, Default)]
pub(super) struct ReverseIndex(HashMap<IpAddr, BTreeSet<Owner>>);

impl ReverseIndex {
    /// Carries out the difference between two states of one Service.
    pub(super) fn replace(&mut self, old: &OwnedAddresses, new: &OwnedAddresses) {
        for (address, owner) in old.difference(new) {
            if let Some(owners) = self.0.get_mut(address) {
                owners.remove(owner);
                if owners.is_empty() {
                    self.0.remove(address);
                }
            }
        }
        for (address, owner) in new.difference(old) {
            self.0.entry(*address).or_default().insert(owner.clone());
        }
    }

    pub(super) fn owners(&self, address: IpAddr) -> impl Iterator<Item = &Owner> {
        self.0.get(&address).into_iter().flatten()
    }
}
