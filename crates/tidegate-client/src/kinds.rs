//! The kinds that a server has, by any of their names.

use kube::core::discovery::v2::{APIGroupDiscovery, APIResourceDiscovery};

use crate::ClientError;
use crate::connect::Connection;
use crate::manifest::Manifest;

/// One kind of object that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The API group, empty for the core group.
    pub group: String,
    /// The API version.
    pub version: String,
    /// The kind's name in manifests.
    pub kind: String,
    /// The name in addresses and on the command line.
    pub plural: String,
    /// Other names that the command line takes.
    pub aliases: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// All kinds of a server.
#[derive(Clone, Debug, Default)]
pub struct Kinds(Vec<Kind>);

impl Kinds {
    /// Asks a server for its kinds.
    ///
    /// # Errors
    /// The server doesn't answer or refuses.
    pub async fn load(connection: &Connection) -> Result<Self, ClientError> {
        let failed = |error| ClientError::from_kube(error, &connection.server);
        let core = connection
            .client
            .list_core_api_versions_aggregated()
            .await
            .map_err(failed)?;
        let groups = connection
            .client
            .list_api_groups_aggregated()
            .await
            .map_err(failed)?;
        Ok(Self(
            core.items
                .iter()
                .chain(&groups.items)
                .flat_map(kinds_of_group)
                .collect(),
        ))
    }

    /// The kind that a manifest is of.
    ///
    /// # Errors
    /// The server has no such kind.
    pub fn of_manifest(&self, manifest: &Manifest) -> Result<&Kind, ClientError> {
        let found = self
            .0
            .iter()
            .find(|kind| kind.kind == manifest.kind && kind.api_version() == manifest.api_version);
        found.ok_or_else(|| ClientError::AtManifest {
            place: manifest.place.clone(),
            source: Box::new(
                self.unknown(&format!("{} of {}", manifest.kind, manifest.api_version)),
            ),
        })
    }

    /// The kind with a name as one types it: `services`, `service`, `svc` or `Service`.
    ///
    /// # Errors
    /// The server has no such kind.
    pub fn named(&self, name: &str) -> Result<&Kind, ClientError> {
        let lower = name.to_lowercase();
        let is_it = |kind: &&Kind| {
            kind.plural == lower
                || kind.kind.to_lowercase() == lower
                || kind.aliases.contains(&lower)
        };
        self.0.iter().find(is_it).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> ClientError {
        let mut known: Vec<&str> = self.0.iter().map(|kind| kind.plural.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        ClientError::UnknownKind {
            name: name.to_owned(),
            known: known.join(", "),
        }
    }
}

impl Kind {
    /// `apiVersion` as manifests write it.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The name as messages print it: `deployments.apps`, or `services` for the core group.
    pub fn qualified(&self) -> String {
        match self.group.as_str() {
            "" => self.kind.to_lowercase(),
            group => format!("{}.{group}", self.kind.to_lowercase()),
        }
    }
}

fn kinds_of_group(group: &APIGroupDiscovery) -> Vec<Kind> {
    let name = group
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.name.clone())
        .unwrap_or_default();
    let mut kinds = Vec::new();
    for version in &group.versions {
        let read = |resource| kind_of(&name, version.version.as_deref()?, resource);
        kinds.extend(version.resources.iter().filter_map(read));
    }
    kinds
}

fn kind_of(group: &str, version: &str, resource: &APIResourceDiscovery) -> Option<Kind> {
    let singular = resource
        .singular_resource
        .iter()
        .filter(|name| !name.is_empty());
    Some(Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: resource.response_kind.as_ref()?.kind.clone()?,
        plural: resource.resource.clone()?,
        aliases: resource
            .short_names
            .iter()
            .chain(singular)
            .cloned()
            .collect(),
        namespaced: resource.scope.as_deref() == Some("Namespaced"),
    })
}
