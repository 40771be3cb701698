//! The cluster's names: an index that changes while it is read, and the answers that come from it.
//!
//! The record schema is that of Kubernetes' DNS specification, version 1.1.0, and where that
//! leaves a choice, what CoreDNS does. An answer is written straight into the reply: from a name on
//! the stack through an index without locks to the octets that are sent. Nothing here knows
//! sockets, a clock, other servers or how the cluster is watched.

mod answer;
mod apex;
mod endpoints;
mod entry;
mod external;
mod index;
mod label;
mod lookup;
mod names;
mod owners;
mod pod_addresses;
mod pods;
mod pointers;
mod reverse;
mod service_records;
mod settings;
mod shards;
mod srv;
#[cfg(test)]
mod tests;
mod transfer;
mod zonal;

pub use answer::{Outcome, answer};
pub use entry::ServiceEntry;
pub use index::ZoneIndex;
pub use pointers::{address_of_reverse_name, network_of_reverse_name};
pub use settings::{
    ClusterDomain, EndpointLabels, InvalidDomain, PodNames, ReverseZone, ZoneSettings,
};
pub use transfer::{TransferRecord, transfer};
