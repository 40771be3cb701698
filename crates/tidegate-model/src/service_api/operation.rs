//! An allocation under way: the steps that take something from the cluster.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::ServiceSpec;

use super::facts::Facts;
use super::families::parse_family;
use super::{AddressRefused, Allocator, ClaimChange, PortRefused};
use crate::objects::addresses::parse_lenient;
use crate::objects::{Cause, FieldPath};

/// A fault within an allocation, before it is known whose it is.
pub(super) enum Fault {
    Field(Cause),
    Internal(String),
}

/// An allocation under way: its claims count as taken from the moment they are made.
pub(super) struct Operation<'a, 'b> {
    allocator: &'a mut Allocator<'b>,
    change: ClaimChange,
}

impl<'a, 'b> Operation<'a, 'b> {
    /// Starts with nothing taken.
    pub(super) fn start(allocator: &'a mut Allocator<'b>) -> Self {
        Self {
            allocator,
            change: ClaimChange::default(),
        }
    }

    /// Ends with what was taken and released.
    pub(super) fn finish(self) -> ClaimChange {
        self.change
    }

    /// Gives addresses back once the change is stored.
    pub(super) fn release_addresses(&mut self, addresses: impl Iterator<Item = IpAddr>) {
        self.change.released_addresses.extend(addresses);
    }

    /// Takes a node port that the user asked for.
    pub(super) fn take_port(&mut self, port: i32) -> Result<(), PortRefused> {
        let is_taken = |port: u16| self.is_port_taken(port);
        let port = self.allocator.network.node_ports.check(port, is_taken)?;
        self.change.taken_node_ports.push(port);
        Ok(())
    }

    /// Takes any node port.
    pub(super) fn take_free_port(&mut self) -> Result<i32, PortRefused> {
        let Allocator {
            network,
            claims,
            random,
            ..
        } = &mut *self.allocator;
        let taken = &self.change.taken_node_ports;
        let is_taken = |port: u16| taken.contains(&port) || claims.has_node_port(port);
        let port = network.node_ports.next_free(*random, &is_taken)?;
        self.change.taken_node_ports.push(port);
        Ok(port.into())
    }

    /// Takes any node port for a port of the Service.
    pub(super) fn take_any_port(&mut self) -> Result<i32, Fault> {
        self.take_free_port()
            .map_err(|reason| Fault::Internal(format!("failed to allocate a nodePort: {reason}")))
    }

    /// Gives a node port back once the change is stored.
    pub(super) fn release_port(&mut self, port: i32) {
        self.change
            .released_node_ports
            .extend(u16::try_from(port).ok().filter(|&port| port != 0));
    }

    fn is_port_taken(&self, port: u16) -> bool {
        self.change.taken_node_ports.contains(&port) || self.allocator.claims.has_node_port(port)
    }

    /// Gives the Service an address for each family from `first` on that lacks one, and takes
    /// those that the user asked for.
    pub(super) fn take_addresses(
        &mut self,
        name: &str,
        spec: &mut ServiceSpec,
        first: usize,
    ) -> Result<(), Fault> {
        let families = spec.family_list().to_vec();
        let asked = spec.cluster_ip_list().to_vec();
        for (index, family) in families.iter().enumerate().skip(first) {
            let address = match asked.get(index) {
                Some(wish) => {
                    self.take_address(wish, &asked)?;
                    wish.clone()
                }
                None => self.take_free_address(name, family)?,
            };
            let list = spec.cluster_ips.get_or_insert_default();
            match list.get_mut(index) {
                Some(slot) => *slot = address,
                None => list.push(address),
            }
        }
        spec.cluster_ip = spec.cluster_ip_list().first().cloned();
        Ok(())
    }

    fn take_address(&mut self, wish: &str, asked: &[String]) -> Result<(), Fault> {
        let claims = self.allocator.claims;
        let verdict = match parse_lenient(wish) {
            None => Err(AddressRefused::OutsideRange),
            Some(address) => {
                let is_taken = |address| claims.has_address(address);
                self.allocator
                    .network
                    .check(address, &is_taken)
                    .map(|()| address)
            }
        };
        match verdict {
            Ok(address) => {
                self.change.taken_addresses.push(address);
                Ok(())
            }
            Err(reason) => {
                let path = FieldPath::root("spec").child("clusterIPs");
                let complaint = format!("failed to allocate IP {wish}: {reason}");
                Err(Fault::Field(Cause::invalid(&path, asked, complaint)))
            }
        }
    }

    fn take_free_address(&mut self, name: &str, family: &str) -> Result<String, Fault> {
        let Allocator {
            network,
            claims,
            random,
            dry_run,
        } = &mut *self.allocator;
        let internal = |reason: AddressRefused| {
            Fault::Internal(format!(
                "failed to allocate a serviceIP for Service {name:?}: {reason}"
            ))
        };
        let family = parse_family(family).ok_or_else(|| internal(AddressRefused::OutsideRange))?;
        if *dry_run {
            let range = network.ranges(family).next();
            let range = range.ok_or_else(|| internal(AddressRefused::OutsideRange))?;
            return Ok(range.network().network().to_string());
        }
        let is_taken = |address| claims.has_address(address);
        let address = network
            .next_free(family, *random, &is_taken)
            .map_err(internal)?;
        self.change.taken_addresses.push(address);
        Ok(address.to_string())
    }
}
