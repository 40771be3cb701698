//! The paths of the Kubernetes API.
//!
//! `/api/v1/…` is the core group, `/apis/GROUP/VERSION/…` every other. Below that come
//! `PLURAL[/NAME[/SUBRESOURCE]]`, for namespaced kinds after `namespaces/NAMESPACE`.

use percent_encoding::percent_decode_str;

use crate::{
    error::ApiError,
    kinds::{Kind, Kinds},
};

/// Where a request under `/api` or `/apis` points.
#[derive(Debug, PartialEq)]
pub(crate) enum ApiPath {
    /// `/api`: the versions of the core group.
    CoreVersions,
    /// `/apis`: every group.
    Groups,
    /// `/apis/GROUP`: one group's versions.
    Group(String),
    /// `/api/v1` or `/apis/GROUP/VERSION`: the resources there.
    Resources { group: String, version: String },
    /// Objects of a kind.
    Objects(ObjectPath),
}

/// A collection, an object or a part of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ObjectPath {
    pub(crate) kind: &'static Kind,
    /// `None` for cluster-scoped kinds and for a namespaced kind across all namespaces.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl ObjectPath {
    /// The namespace as it goes into a key: empty for cluster-scoped kinds.
    pub(crate) fn namespace_or_empty(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }
}

/// Reads a path.
///
/// # Errors
/// [`ApiError::NoSuchResource`] for a path that leads nowhere.
pub(crate) fn parse_path(kinds: &'static Kinds, path: &str) -> Result<ApiPath, ApiError> {
    let segments = path
        .trim_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8().map(Into::into))
        .collect::<Result<Vec<String>, _>>()
        .map_err(|_| ApiError::BadRequest("the path is not valid UTF-8".to_owned()))?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["api"] => Ok(ApiPath::CoreVersions),
        ["apis"] => Ok(ApiPath::Groups),
        ["apis", group] => Ok(ApiPath::Group((*group).to_owned())),
        ["api", version] => resources("", version),
        ["apis", group, version] => resources(group, version),
        ["api", version, rest @ ..] => objects(kinds, "", version, rest),
        ["apis", group, version, rest @ ..] => objects(kinds, group, version, rest),
        _ => Err(ApiError::NoSuchResource),
    }
}

fn resources(group: &str, version: &str) -> Result<ApiPath, ApiError> {
    Ok(ApiPath::Resources {
        group: group.to_owned(),
        version: version.to_owned(),
    })
}

fn objects(
    kinds: &'static Kinds,
    group: &str,
    version: &str,
    rest: &[&str],
) -> Result<ApiPath, ApiError> {
    let find = |plural: &str| kinds.find(group, version, plural);
    let owned = |text: &&str| Some((*text).to_owned());
    let path = match rest {
        // `namespaces/x/status` is a part of the namespace x, `namespaces/x/pods` its pods.
        ["namespaces", namespace, plural, rest @ ..]
            if find(plural).is_some_and(|kind| kind.namespaced) =>
        {
            let kind = find(plural).ok_or(ApiError::NoSuchResource)?;
            let (name, subresource) = name_and_subresource(rest)?;
            ObjectPath {
                kind,
                namespace: owned(namespace),
                name,
                subresource,
            }
        }
        [plural, rest @ ..] => {
            let kind = find(plural).ok_or(ApiError::NoSuchResource)?;
            let (name, subresource) = name_and_subresource(rest)?;
            if kind.namespaced && name.is_some() {
                return Err(ApiError::NoSuchResource);
            }
            ObjectPath {
                kind,
                namespace: None,
                name,
                subresource,
            }
        }
        [] => return Err(ApiError::NoSuchResource),
    };
    if path.namespace.as_deref() == Some("") || path.name.as_deref() == Some("") {
        return Err(ApiError::NoSuchResource);
    }
    Ok(ApiPath::Objects(path))
}

fn name_and_subresource(rest: &[&str]) -> Result<(Option<String>, Option<String>), ApiError> {
    match rest {
        [] => Ok((None, None)),
        [name] => Ok((Some((*name).to_owned()), None)),
        [name, subresource] => Ok((Some((*name).to_owned()), Some((*subresource).to_owned()))),
        _ => Err(ApiError::NoSuchResource),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::kinds;

    fn object(path: &str) -> (String, Option<String>, Option<String>, Option<String>) {
        match parse_path(kinds(), path) {
            Ok(ApiPath::Objects(path)) => (
                path.kind.plural.to_owned(),
                path.namespace,
                path.name,
                path.subresource,
            ),
            other => panic!("{path} gave {other:?}"),
        }
    }

    #[test]
    fn a_namespace_is_an_object_and_a_place() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            object("/api/v1/namespaces/a"),
            ("namespaces".into(), None, some("a"), None)
        );
        assert_eq!(
            object("/api/v1/namespaces/a/finalize"),
            ("namespaces".into(), None, some("a"), some("finalize"))
        );
        assert_eq!(
            object("/api/v1/namespaces/a/pods/p/log"),
            ("pods".into(), some("a"), some("p"), some("log"))
        );
        assert_eq!(
            object("/apis/apps/v1/deployments"),
            ("deployments".into(), None, None, None)
        );
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        for path in [
            "/api/v1/unknowns",
            "/apis/apps/v2/deployments",
            "/api/v1/pods/p",
            "/api/v1/namespaces//pods",
            "/apis/apps/v1/namespaces/a/deployments/d/status/more",
            "/other",
        ] {
            assert!(
                matches!(parse_path(kinds(), path), Err(ApiError::NoSuchResource)),
                "{path}"
            );
        }
    }
}
