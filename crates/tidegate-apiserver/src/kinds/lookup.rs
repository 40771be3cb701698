//! Finding a kind by what a path or a body says.

use std::sync::LazyLock;

use super::{Kind, catalogue::catalogue};

/// All kinds, in the order in which discovery lists them.
pub(crate) struct Kinds {
    all: Vec<Kind>,
}

/// The one table of this process.
pub(crate) fn kinds() -> &'static Kinds {
    static KINDS: LazyLock<Kinds> = LazyLock::new(|| Kinds { all: catalogue() });
    &KINDS
}

impl Kinds {
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Kind> {
        self.all
            .iter()
            .find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    pub(crate) fn in_version<'a>(
        &'a self,
        group: &'a str,
        version: &'a str,
    ) -> impl Iterator<Item = &'a Kind> {
        self.all
            .iter()
            .filter(move |kind| kind.group == group && kind.version == version)
    }

    /// Group and version pairs without repetition, core first.
    pub(crate) fn group_versions(&self) -> Vec<(&'static str, &'static str)> {
        let mut pairs = Vec::new();
        for kind in &self.all {
            let pair = (kind.group, kind.version);
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_their_path() {
        let service = kinds().find("", "v1", "services").expect("services");
        assert_eq!((service.kind, service.namespaced), ("Service", true));
        let slice = kinds()
            .find("discovery.k8s.io", "v1", "endpointslices")
            .expect("slices");
        assert_eq!(slice.api_version(), "discovery.k8s.io/v1");
        assert!(kinds().find("", "v1", "deployments").is_none());
    }

    #[test]
    fn no_two_kinds_share_a_path() {
        let mut paths: Vec<_> = kinds()
            .all
            .iter()
            .map(|kind| (kind.group, kind.version, kind.plural))
            .collect();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }
}
