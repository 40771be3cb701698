//! Services need more than other kinds: cluster addresses and node ports, which belong to one
//! Service each.
//!
//! A claim is a key in the store: an IPAddress object for an address (users can list them), a
//! small record for a node port. Claims are written in the same transaction as the Service, on the
//! condition that nobody has them: nothing can leak, and any number of servers may allocate at
//! once. A server doesn't need to know what is taken. It tries, and learns from a refusal.

mod claims;
mod rules;

use tidegate_model::service_api::ServiceNetwork;

pub(crate) use self::{
    claims::{Taken, check_address_unused, claim_operations},
    rules::ServiceRules,
};

/// The cluster as the rules of a kind see it.
pub(crate) struct ClusterView<'a> {
    /// Ranges of cluster addresses and node ports.
    pub(crate) network: &'a ServiceNetwork,
    /// The claims of others, as far as this request has met them.
    pub(crate) taken: &'a Taken,
    /// Nothing will be stored.
    pub(crate) dry_run: bool,
}
