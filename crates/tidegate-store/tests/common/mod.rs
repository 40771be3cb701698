//! Small helpers for the tests of the embedded store.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::path::Path;

use tidegate_store::{Entry, Expectation, Operation, RedbStore, Store};

/// Opens the store or fails the test with the message a user would see.
pub(crate) fn open(directory: &Path) -> RedbStore {
    RedbStore::open(directory).unwrap_or_else(|error| panic!("{error}"))
}

/// An unconditional put.
pub(crate) fn put(key: &str, value: &str) -> Operation {
    Operation::put(key, Expectation::Any, value.to_owned())
}

/// Every entry in the store.
pub(crate) async fn everything(store: &dyn Store) -> Vec<Entry> {
    store
        .list("", None, usize::MAX)
        .await
        .expect("readable")
        .entries
}
