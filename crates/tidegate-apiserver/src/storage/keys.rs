//! Where objects live: `/registry/GROUP/PLURAL/[NAMESPACE/]NAME`, like upstream's etcd layout.
//!
//! Names can't contain a slash (they are validated before they are stored), so a prefix that ends
//! in one never reaches into another namespace or kind.

use crate::kinds::Kind;

/// The key of one object; `namespace` is not read for cluster-scoped kinds.
pub(crate) fn object_key(kind: &Kind, namespace: &str, name: &str) -> String {
    format!("{}{name}", collection_prefix(kind, Some(namespace)))
}

/// What the keys of a collection begin with: one namespace's objects, or all with `None`.
pub(crate) fn collection_prefix(kind: &Kind, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) if kind.namespaced => format!("/registry/{}/{namespace}/", kind.storage),
        _ => format!("/registry/{}/", kind.storage),
    }
}

/// Namespace (empty for cluster-scoped kinds) and name, back from a key.
pub(crate) fn name_of<'k>(kind: &Kind, key: &'k str) -> Option<(&'k str, &'k str)> {
    let rest = key
        .strip_prefix("/registry/")?
        .strip_prefix(&kind.storage)?
        .strip_prefix('/')?;
    if kind.namespaced {
        rest.split_once('/')
    } else {
        Some(("", rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::kinds;

    #[test]
    fn keys_go_there_and_back() {
        let service = kinds().find("", "v1", "services").expect("services");
        let key = object_key(service, "default", "web");
        assert_eq!(key, "/registry/core/services/default/web");
        assert_eq!(name_of(service, &key), Some(("default", "web")));
        let node = kinds().find("", "v1", "nodes").expect("nodes");
        assert_eq!(name_of(node, &object_key(node, "", "n1")), Some(("", "n1")));
    }

    #[test]
    fn a_namespace_is_no_prefix_of_its_longer_sister() {
        let service = kinds().find("", "v1", "services").expect("services");
        let prefix = collection_prefix(service, Some("a"));
        assert!(!object_key(service, "ab", "web").starts_with(&prefix));
    }
}
