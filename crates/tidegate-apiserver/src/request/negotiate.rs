//! Which representation the client wants, from its `Accept` header.
//!
//! Besides plain objects there are Tables (what `kubectl get` prints) and metadata only (what
//! caches that need nothing else ask for). The first entry that this server can give wins: clients
//! list them in the order of their liking.

use http::{HeaderMap, header};

use crate::error::ApiError;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Representation {
    pub(crate) shape: Shape,
    pub(crate) encoding: Encoding,
}

/// What is told of each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Everything.
    Object,
    /// Printer columns, `meta.k8s.io/v1 Table`.
    Table,
    /// `meta.k8s.io/v1 PartialObjectMetadata`.
    Metadata,
    /// `apidiscovery.k8s.io/v2 APIGroupDiscoveryList`; discovery paths only.
    AggregatedDiscovery,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Yaml,
}

/// Picks the representation.
///
/// # Errors
/// [`ApiError::NotAcceptable`] when nothing on the client's list can be given.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Representation, ApiError> {
    let mut asked = false;
    for value in headers.get_all(header::ACCEPT) {
        let Ok(text) = value.to_str() else { continue };
        for entry in text.split(',') {
            asked = true;
            if let Some(representation) = understand(entry) {
                return Ok(representation);
            }
        }
    }
    if asked {
        return Err(ApiError::NotAcceptable);
    }
    Ok(Representation {
        shape: Shape::Object,
        encoding: Encoding::Json,
    })
}

fn understand(entry: &str) -> Option<Representation> {
    let mut parts = entry.split(';').map(str::trim);
    let encoding = match parts.next()? {
        "application/json" | "*/*" | "application/*" | "text/html" | "text/plain" | "text/*" => {
            Encoding::Json
        }
        "application/yaml" => Encoding::Yaml,
        _ => return None,
    };
    let (mut kind, mut group, mut version) = ("", "", "");
    for parameter in parts {
        match parameter.split_once('=') {
            Some(("as", value)) => kind = value,
            Some(("g", value)) => group = value,
            Some(("v", value)) => version = value,
            _ => {}
        }
    }
    let shape = match (kind, group, version) {
        ("", _, _) => Shape::Object,
        ("Table", "meta.k8s.io", "v1") => Shape::Table,
        ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io", "v1") => {
            Shape::Metadata
        }
        ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => Shape::AggregatedDiscovery,
        _ => return None,
    };
    Some(Representation { shape, encoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(accept: &str) -> Option<Shape> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("header"));
        negotiate(&headers)
            .ok()
            .map(|representation| representation.shape)
    }

    #[test]
    fn the_first_known_entry_wins() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(shape(kubectl), Some(Shape::Table));
        let old_table = "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(shape(old_table), Some(Shape::Object));
        assert_eq!(
            shape("application/vnd.kubernetes.protobuf, */*"),
            Some(Shape::Object)
        );
    }

    #[test]
    fn protobuf_alone_is_not_acceptable() {
        assert_eq!(shape("application/vnd.kubernetes.protobuf"), None);
    }

    #[test]
    fn nothing_asked_gives_json() {
        let representation = negotiate(&HeaderMap::new()).expect("default");
        assert_eq!(representation.encoding, Encoding::Json);
    }
}
