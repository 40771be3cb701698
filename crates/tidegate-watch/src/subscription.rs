//! The reader side: what changed since one last asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard};

use tidegate_model::{ServiceKey, Snapshot};
use tokio::sync::Notify;

use crate::cluster_watch::Shared;

/// What changed since a subscriber last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Services that came, went or changed, or whose slices did.
    pub services: BTreeSet<ServiceKey>,
    /// Whether a namespace came or went.
    pub namespaces: bool,
}

/// One subscriber's unread changes: at most one entry a Service.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    unread: Mutex<Changes>,
    arrival: Notify,
}

/// Hears of changes, and reads the snapshot that they led to.
#[derive(Debug)]
pub struct Subscription {
    mailbox: Arc<Mailbox>,
    shared: Arc<Shared>,
    synced: tokio::sync::watch::Receiver<bool>,
}

impl Subscription {
    pub(crate) fn new(mailbox: Arc<Mailbox>, shared: Arc<Shared>) -> Self {
        let synced = shared.synced.subscribe();
        Self {
            mailbox,
            shared,
            synced,
        }
    }

    /// Waits for the next changes; pending for ever once nobody feeds the watch any more.
    ///
    /// The first answer comes when the first lists are complete, and names everything. Dropping
    /// the future loses nothing.
    pub async fn changed(&mut self) -> Changes {
        // The sender lives in `shared`, so waiting can't fail while we hold that.
        while self.synced.wait_for(|synced| *synced).await.is_err() {}
        loop {
            let changes = self.mailbox.take();
            if changes != Changes::default() {
                return changes;
            }
            self.mailbox.arrival.notified().await;
        }
    }

    /// Whether the first lists are complete.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// The state of this moment, at least as new as the last changes that were fetched.
    pub fn snapshot(&self) -> RwLockReadGuard<'_, Snapshot> {
        self.shared.read()
    }
}

impl Mailbox {
    pub(crate) fn post(&self, changes: Changes) {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.services.extend(changes.services);
        unread.namespaces |= changes.namespaces;
        self.arrival.notify_one();
    }

    fn take(&self) -> Changes {
        std::mem::take(&mut self.unread.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
