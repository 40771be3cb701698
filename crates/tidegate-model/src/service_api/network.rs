//! What a cluster has for its Services: address ranges of one or two families, and node ports.

use std::net::IpAddr;

use super::{AddressRange, AddressRefused, PortRange};
use crate::IpFamily;

/// The ranges that Services of a cluster get their addresses and node ports from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceNetwork {
    primary: AddressRange,
    others: Vec<AddressRange>,
    /// The node ports.
    pub node_ports: PortRange,
}

impl ServiceNetwork {
    /// Describes a cluster by its ranges. The family of `primary` is the default one; a cluster is
    /// dual-stack if any of the `others` has the other family. Several ranges of a family are
    /// used in the given order, as several ServiceCIDR objects are.
    pub fn new(primary: AddressRange, others: Vec<AddressRange>, node_ports: PortRange) -> Self {
        Self {
            primary,
            others,
            node_ports,
        }
    }

    /// The family of Services that don't ask for one.
    pub fn default_family(&self) -> IpFamily {
        self.primary.family()
    }

    /// True if Services can have addresses of this family.
    pub fn has_family(&self, family: IpFamily) -> bool {
        self.ranges(family).next().is_some()
    }

    /// True if Services can have addresses of both families.
    pub fn is_dual_stack(&self) -> bool {
        IpFamily::ALL.iter().all(|&family| self.has_family(family))
    }

    /// The ranges of one family, the one to use first in front.
    pub fn ranges(&self, family: IpFamily) -> impl Iterator<Item = &AddressRange> {
        std::iter::once(&self.primary)
            .chain(&self.others)
            .filter(move |range| range.family() == family)
    }

    pub(super) fn check(
        &self,
        address: IpAddr,
        is_taken: &dyn Fn(IpAddr) -> bool,
    ) -> Result<(), AddressRefused> {
        self.ranges(IpFamily::of(address))
            .find(|range| range.contains(address))
            .ok_or(AddressRefused::OutsideRange)?
            .check(address, is_taken)
    }

    pub(super) fn next_free(
        &self,
        family: IpFamily,
        random: &mut dyn FnMut(u64) -> u64,
        is_taken: &dyn Fn(IpAddr) -> bool,
    ) -> Result<IpAddr, AddressRefused> {
        self.ranges(family)
            .find_map(|range| range.next_free(random, is_taken).ok())
            .ok_or(AddressRefused::Full)
    }
}
