//! Which kinds the API server serves, for controllers that deal with all of them.

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::discovery::{Discovery, Scope, verbs};

use crate::api::{During, SyncError};

/// Any object, of which only the metadata is looked at.
pub(crate) type AnyObject = PartialObjectMeta<DynamicObject>;

/// One kind with what can be done to it.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
    pub(crate) listable: bool,
    pub(crate) watchable: bool,
    pub(crate) deletable: bool,
}

impl Kind {
    /// The objects of this kind in a namespace, or all of them if the kind has none.
    pub(crate) fn api(&self, client: &Client, namespace: &str) -> Api<AnyObject> {
        if self.namespaced {
            Api::namespaced_with(client.clone(), namespace, &self.resource)
        } else {
            Api::all_with(client.clone(), &self.resource)
        }
    }

    /// The name of the kind with its group, as `deployments.apps`.
    pub(crate) fn full_name(&self) -> String {
        if self.resource.group.is_empty() {
            self.resource.plural.clone()
        } else {
            format!("{}.{}", self.resource.plural, self.resource.group)
        }
    }
}

/// Asks the API server for its kinds, each in the version it prefers.
pub(crate) async fn discover(client: &Client) -> Result<Vec<Kind>, SyncError> {
    let discovery = Discovery::new(client.clone()).run().await;
    let discovery = discovery.during("discover", "the kinds of", "the API server")?;
    let resources = discovery
        .groups()
        .flat_map(|group| group.recommended_resources());
    Ok(resources
        .map(|(resource, capabilities)| Kind {
            namespaced: capabilities.scope == Scope::Namespaced,
            listable: capabilities.supports_operation(verbs::LIST),
            watchable: capabilities.supports_operation(verbs::WATCH),
            deletable: capabilities.supports_operation(verbs::DELETE),
            resource,
        })
        .collect())
}
