//! The rules of the Service API: defaults, allocation, validation, transitions and warnings.
//!
//! [`create`], [`update`] and [`update_status`] do the whole work in upstream's order, which
//! users can see: an address that is taken is reported without the ordinary field errors, because
//! upstream allocates before it validates. The API server calls these three and stores the result
//! together with the [`ClaimChange`] in one transaction. Everything else here is a part of them.
//!
//! Nothing here knows a store, a clock or a source of randomness: what is taken, and random
//! numbers, are passed in. Messages are those of kube-apiserver 1.36.

mod admission;
mod allocation;
mod claims;
mod defaults;
mod facts;
mod families;
mod ip_allocator;
mod network;
mod node_ports;
mod operation;
mod port_allocator;
mod transitions;
mod validation;
mod warnings;

pub use admission::{create, update, update_status};
pub use allocation::{Allocator, Rejection};
pub use claims::{ClaimChange, Claims, held_by};
pub use defaults::defaults;
pub use ip_allocator::{AddressRange, AddressRefused, RangeTooLarge};
pub use network::ServiceNetwork;
pub use port_allocator::{PortRange, PortRefused};
pub use validation::{validate_create, validate_status_update, validate_update};
pub use warnings::warnings;

#[cfg(test)]
mod observed_answers;
#[cfg(test)]
mod observed_updates;
#[cfg(test)]
mod random_walk;
#[cfg(test)]
mod test_cluster;
