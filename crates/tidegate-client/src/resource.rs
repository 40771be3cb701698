//! Addresses of objects on the server, and plain requests to them.

use http::{Method, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::connect::Connection;
use crate::{ClientError, Kind};

/// All objects of a kind, or those of a namespace.
#[derive(Clone, Debug)]
pub struct Resource {
    kind: Kind,
    namespace: Option<String>,
}

impl Resource {
    /// The objects of a kind; `namespace` is left aside for kinds that have none.
    pub fn new(kind: &Kind, namespace: Option<&str>) -> Self {
        Self {
            kind: kind.clone(),
            namespace: namespace.filter(|_| kind.namespaced).map(str::to_owned),
        }
    }

    /// The address of all of them, or of one.
    pub fn path(&self, name: Option<&str>) -> String {
        let root = match self.kind.group.as_str() {
            "" => format!("/api/{}", self.kind.version),
            group => format!("/apis/{group}/{}", self.kind.version),
        };
        let namespace = self
            .namespace
            .iter()
            .map(|name| format!("/namespaces/{}", percent_encode(name)));
        let name = name.iter().map(|name| format!("/{}", percent_encode(name)));
        let parts = namespace
            .chain([format!("/{}", self.kind.plural)])
            .chain(name);
        parts.fold(root, |path, part| path + &part)
    }
}

/// Keeps a name from being read as a part of the address.
pub(crate) fn percent_encode(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' => {
                encoded.push(char::from(byte))
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// A request's body with its media type.
pub(crate) struct Body<'a> {
    pub(crate) content_type: &'static str,
    pub(crate) value: &'a Value,
}

impl Connection {
    /// Sends one request and reads the answer as JSON.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<Body<'_>>,
    ) -> Result<T, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::ACCEPT, accept);
        let mut bytes = Vec::new();
        if let Some(body) = body {
            request = request.header(http::header::CONTENT_TYPE, body.content_type);
            bytes = body.value.to_string().into_bytes();
        }
        let request = request
            .body(bytes)
            .map_err(|error| ClientError::BadAnswer(error.to_string()))?;
        self.client
            .request(request)
            .await
            .map_err(|error| ClientError::from_kube(error, &self.server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, namespaced: bool) -> Kind {
        Kind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: "Thing".to_owned(),
            plural: "things".to_owned(),
            aliases: Vec::new(),
            namespaced,
        }
    }

    #[test]
    fn addresses_follow_group_and_namespace() {
        let core = Resource::new(&kind("", true), Some("default"));
        assert_eq!(
            core.path(Some("web")),
            "/api/v1/namespaces/default/things/web"
        );
        let everywhere = Resource::new(&kind("apps", true), None);
        assert_eq!(everywhere.path(None), "/apis/apps/v1/things");
        let cluster = Resource::new(&kind("apps", false), Some("default"));
        assert_eq!(cluster.path(Some("a")), "/apis/apps/v1/things/a");
    }

    #[test]
    fn a_name_can_not_leave_its_place() {
        let core = Resource::new(&kind("", true), Some("default"));
        assert_eq!(
            core.path(Some("../x?y")),
            "/api/v1/namespaces/default/things/..%2Fx%3Fy"
        );
    }
}
