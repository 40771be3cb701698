//! The reader side: what changed since one last asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLockReadGuard};

use jiff::Timestamp;
use tidegate_model::{ServiceKey, Snapshot};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::cluster_watch::Shared;

/// What changed since a subscriber last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Services that came, went or changed, or whose slices did.
    pub services: BTreeSet<ServiceKey>,
    /// Whether a namespace came or went.
    pub namespaces: bool,
    /// How many of which kind of change are merged here.
    pub backlog: Backlog,
    /// When the cause of a change of endpoints happened (a pod became ready, say), as the slice
    /// says: the earliest for each Service of which it is known.
    pub triggers: BTreeMap<ServiceKey, Timestamp>,
}

/// How much is merged into [`Changes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many times a Service came, went or changed.
    pub services: u64,
    /// How many times a slice came, went or changed.
    pub slices: u64,
    /// When the first of it was heard of; `None` if there is nothing.
    pub since: Option<Instant>,
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
    synced: watch::Receiver<bool>,
}

/// Looks at what a subscriber has not fetched yet, for whoever watches over the subscriber.
#[derive(Clone, Debug)]
pub struct Unread {
    mailbox: Arc<Mailbox>,
    synced: watch::Receiver<bool>,
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

    /// A view of what waits to be fetched here.
    pub fn unread(&self) -> Unread {
        Unread {
            mailbox: Arc::clone(&self.mailbox),
            synced: self.synced.clone(),
        }
    }
}

impl Unread {
    /// What waits at this moment: nothing before the first lists are complete, since nobody can
    /// fetch it by then.
    pub fn backlog(&self) -> Backlog {
        match *self.synced.borrow() {
            true => self.mailbox.lock().backlog,
            false => Backlog::default(),
        }
    }
}

impl Mailbox {
    pub(crate) fn post(&self, changes: Changes) {
        let mut unread = self.lock();
        unread.services.extend(changes.services);
        unread.namespaces |= changes.namespaces;
        unread.backlog.services += changes.backlog.services;
        unread.backlog.slices += changes.backlog.slices;
        unread.backlog.since.get_or_insert_with(Instant::now);
        for (service, trigger) in changes.triggers {
            let earliest = unread.triggers.entry(service).or_insert(trigger);
            *earliest = trigger.min(*earliest);
        }
        self.arrival.notify_one();
    }

    fn take(&self) -> Changes {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
