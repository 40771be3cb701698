//! `10-0-0-7.NAMESPACE.pod`: names that spell an address.

use std::net::IpAddr;

use super::PodNames;
use super::lookup::{Lookup, Records};

/// `NAMESPACE.pod`, the parent of such names.
pub(super) fn namespace(lookup: &Lookup<'_>, namespace: &str) -> Option<Records> {
    let exists = match lookup.settings.pod_names {
        PodNames::Disabled => false,
        PodNames::Insecure => lookup.index.has_namespace(namespace),
    };
    exists.then(Records::default)
}

/// The address that a label spells, in a namespace that exists.
pub(super) fn pod(lookup: &Lookup<'_>, of: &str, label: &str) -> Option<Records> {
    namespace(lookup, of)?;
    Some(lookup.address_records(&[spelled(label)?]))
}

fn spelled(label: &str) -> Option<IpAddr> {
    let separator = match label.matches('-').count() == 3 && !label.contains("--") {
        true => ".",
        false => ":",
    };
    label.replace('-', separator).parse().ok()
}
