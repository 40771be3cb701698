//! `10-0-0-7.NAMESPACE.pod`: names that spell an address.

use tidegate_dns_wire::Reply;

use crate::label::spelled;
use crate::lookup::{Found, Lookup};
use crate::settings::PodNames;

/// `NAMESPACE.pod`, the parent of such names.
pub(crate) fn has_namespace(lookup: &Lookup<'_>, namespace: &[u8]) -> bool {
    lookup.settings.pod_names != PodNames::Disabled
        && lookup.settings.shows(namespace)
        && lookup.index.has_namespace(namespace)
}

/// The address that a label spells, in a namespace that exists.
pub(crate) fn pod(
    lookup: &Lookup<'_>,
    namespace: &[u8],
    label: &[u8],
    reply: &mut Reply<'_>,
) -> Found {
    let address = spelled(label).filter(|address| match lookup.settings.pod_names {
        PodNames::Disabled => false,
        PodNames::Insecure => true,
        PodNames::Verified => lookup.index.has_pod(namespace, *address),
    });
    match address {
        Some(address) if has_namespace(lookup, namespace) => {
            lookup.answer_addresses(reply, &[address]);
            Found::Exists
        }
        _ => Found::Absent,
    }
}
