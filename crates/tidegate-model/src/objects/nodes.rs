//! Nodes: validation.

use k8s_openapi::api::core::v1::{Node, NodeSpec};

use super::addresses::check_cidr;
use super::object_meta::{self, NameFormat, Scope};
use super::{Cause, FieldPath, Invalid};

const KIND: (&str, &str) = ("", "Node");

/// Checks a new node.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(node: &Node) -> Result<(), Invalid> {
    Invalid::unless_empty(KIND, node.metadata.name.as_deref(), check(node))
}

/// Checks a changed node against what it was: its pod networks stay once they are set.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &Node, new: &Node) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    let path = FieldPath::root("spec").child("podCIDRs");
    let before = networks(old.spec.as_ref());
    if !before.is_empty() && before != networks(new.spec.as_ref()) {
        let complaint = "node updates may not change podCIDR except from \"\" to valid";
        causes.push(Cause::forbidden(&path, complaint));
    }
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn networks(spec: Option<&NodeSpec>) -> &[String] {
    spec.and_then(|spec| spec.pod_cidrs.as_deref())
        .unwrap_or_default()
}

fn check(node: &Node) -> Vec<Cause> {
    let mut causes = object_meta::check(&node.metadata, Scope::Cluster, NameFormat::Subdomain);
    let path = FieldPath::root("spec").child("podCIDRs");
    let networks = networks(node.spec.as_ref()).iter().enumerate();
    causes.extend(networks.filter_map(|(index, cidr)| check_cidr(&path.index(index), cidr)));
    causes
}
