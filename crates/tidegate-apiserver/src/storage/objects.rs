//! Reading and writing objects.

use std::sync::Arc;

use serde_json::Value;
use tidegate_store::{CommitError, Conflict, Operation, Page, Revision, Store, Watch, WatchError};

use super::{Raw, collection_prefix, object_key, raw::RawError};
use crate::{error::ApiError, kinds::Kind, selector::Selector};

/// The store, seen as a place for objects.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<dyn Store>,
}

/// An object as it was read: in its stored form, with the resource version filled in.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) object: Value,
    pub(crate) revision: Revision,
}

/// Why a write was not done.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Something changed since it was read; the caller reads again, or tells the client.
    Conflict(Box<Conflict>),
    /// Anything else.
    Failed(ApiError),
}

impl Objects {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The newest revision that can be read.
    pub(crate) fn revision(&self) -> Revision {
        self.store.revision()
    }

    /// The bytes of one object.
    pub(crate) async fn raw(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Raw>, ApiError> {
        self.raw_by_key(&object_key(kind, namespace, name)).await
    }

    /// The value under a key, object or not.
    pub(crate) async fn raw_by_key(&self, key: &str) -> Result<Option<Raw>, ApiError> {
        let entry = self.store.get(key).await.map_err(read_failed)?;
        Ok(entry.map(|entry| Raw {
            bytes: entry.value,
            revision: entry.modified,
        }))
    }

    /// One object.
    pub(crate) async fn get(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Stored>, ApiError> {
        let Some(raw) = self.raw(kind, namespace, name).await? else {
            return Ok(None);
        };
        Ok(Some(Stored {
            object: raw.parse()?,
            revision: raw.revision,
        }))
    }

    /// The entries of a collection, or the one entry if the selector pins a name.
    ///
    /// The page says how far it got; the selector itself is left to the caller.
    pub(crate) async fn list(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        selector: &Selector,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, ApiError> {
        let prefix = watched_prefix(kind, namespace, selector);
        self.store
            .list(&prefix, after, limit)
            .await
            .map_err(read_failed)
    }

    /// The keys below a prefix.
    pub(crate) async fn keys(&self, prefix: &str) -> Result<Vec<Arc<str>>, ApiError> {
        let page = self
            .store
            .list(prefix, None, usize::MAX)
            .await
            .map_err(read_failed)?;
        Ok(page.entries.into_iter().map(|entry| entry.key).collect())
    }

    /// Every change to a collection after a revision.
    pub(crate) async fn watch(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        selector: &Selector,
        from: Revision,
    ) -> Result<Watch, ApiError> {
        let prefix = watched_prefix(kind, namespace, selector);
        self.store.watch(&prefix, from).await.map_err(watch_failed)
    }

    /// Applies all operations or none.
    pub(crate) async fn commit(&self, operations: Vec<Operation>) -> Result<Revision, WriteError> {
        self.store
            .commit(operations)
            .await
            .map_err(|error| match error {
                CommitError::Conflict(conflict) => WriteError::Conflict(conflict),
                CommitError::TooLarge { .. } => {
                    WriteError::Failed(ApiError::BadRequest(error.to_string()))
                }
                CommitError::Closed { .. } => {
                    WriteError::Failed(ApiError::Unavailable(error.to_string()))
                }
                other => WriteError::Failed(ApiError::Internal(other.to_string())),
            })
    }
}

/// A transaction that changes nothing but fails where the given one would: a dry run.
pub(crate) fn as_checks(operations: Vec<Operation>) -> Vec<Operation> {
    operations
        .into_iter()
        .map(|operation| Operation::check(operation.key, operation.expect))
        .collect()
}

/// The narrowest prefix that holds everything the selector can match. A pinned name also matches
/// longer names here; the selector sorts those out.
fn watched_prefix(kind: &Kind, namespace: Option<&str>, selector: &Selector) -> String {
    let namespace = namespace.or_else(|| selector.pinned_namespace());
    match (selector.pinned_name(), namespace) {
        (Some(name), _) if !kind.namespaced => object_key(kind, "", name),
        (Some(name), Some(namespace)) => object_key(kind, namespace, name),
        _ => collection_prefix(kind, namespace),
    }
}

/// What a client is told when a watch can't begin or go on.
pub(crate) fn watch_failed(error: WatchError) -> ApiError {
    match error {
        WatchError::Compacted { from, oldest } => ApiError::too_old(from.0, oldest.0),
        other => ApiError::Expired(other.to_string()),
    }
}

fn read_failed(error: tidegate_store::ReadError) -> ApiError {
    ApiError::Internal(error.to_string())
}

impl From<RawError> for ApiError {
    fn from(error: RawError) -> Self {
        Self::Internal(error.to_string())
    }
}
