//! The shared state: one writer side, many readers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use jiff::Timestamp;
use kube::Client;
use tidegate_model::{ServiceKey, Snapshot};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::feed::Feed;
use crate::pods::{PodListener, Pods};
use crate::reflect;
use crate::scope::{Scope, Selectors};
use crate::subscription::{Backlog, Changes, Mailbox, Subscription};

/// A live [`Snapshot`] with subscriptions to its changes. Clones share it.
#[derive(Clone, Debug)]
pub struct ClusterWatch {
    pub(crate) shared: Arc<Shared>,
    /// How to watch more; nothing for a watch without an API behind it.
    api: Option<Api>,
}

#[derive(Clone)]
struct Api {
    client: Client,
    scope: Scope,
    shutdown: CancellationToken,
    /// Whether anything has been asked for already.
    has_begun: Arc<AtomicBool>,
}

impl Api {
    fn spawn(&self, watching: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(watching).await });
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    /// When the watch began.
    pub(crate) began: Timestamp,
    snapshot: RwLock<Snapshot>,
    mailboxes: Mutex<Vec<Weak<Mailbox>>>,
    pub(crate) synced: watch::Sender<bool>,
    /// The kinds whose watch is cut at this time.
    pub(crate) cut: Mutex<BTreeSet<&'static str>>,
    pub(crate) pods: Pods,
}

impl ClusterWatch {
    /// Watches an API until `shutdown`, reconnecting with back-off for as long as it takes.
    ///
    /// While the API is away, the last known state stays; on return the lists are compared, so
    /// that subscribers hear of real differences only.
    pub fn start(client: &Client, scope: Scope, shutdown: CancellationToken) -> Self {
        let watch = Self::on_demand(client, scope, shutdown);
        watch.begin();
        watch
    }

    /// Watches an API as [`ClusterWatch::start`] does, from the first time on that somebody
    /// subscribes, who must be in a runtime of tokio.
    pub fn on_demand(client: &Client, scope: Scope, shutdown: CancellationToken) -> Self {
        let (mut watch, _) = Self::detached();
        watch.api = Some(Api {
            client: client.clone(),
            scope,
            shutdown,
            has_begun: Arc::default(),
        });
        watch
    }

    /// Another watch of the same API, on demand, for what selectors leave of everything. It has a
    /// life of its own until `shutdown`. Without an API it never has its first lists.
    pub fn selected(&self, selectors: &Selectors, shutdown: CancellationToken) -> Self {
        match &self.api {
            Some(api) => {
                let scope = Scope::Selected(selectors.clone());
                Self::on_demand(&api.client, scope, shutdown)
            }
            None => Self::detached().0,
        }
    }

    /// A watch without an API behind it: what the feed is told is what subscribers see.
    pub fn detached() -> (Self, Feed) {
        let watch = Self {
            shared: Arc::new(Shared {
                began: Timestamp::now(),
                snapshot: RwLock::default(),
                mailboxes: Mutex::default(),
                synced: watch::Sender::default(),
                cut: Mutex::default(),
                pods: Pods::default(),
            }),
            api: None,
        };
        let feed = Feed::new(Arc::clone(&watch.shared));
        (watch, feed)
    }

    /// Hears of everything that is there once the first lists are complete, and then of changes.
    pub fn subscribe(&self) -> Subscription {
        self.begin();
        let snapshot = self.shared.read();
        let mailbox = Arc::new(Mailbox::default());
        let services: BTreeSet<ServiceKey> = snapshot.keys().collect();
        mailbox.post(Changes {
            backlog: Backlog {
                services: services.len() as u64,
                ..Backlog::default()
            },
            services,
            namespaces: true,
            ..Changes::default()
        });
        self.shared
            .with_mailboxes(|all| all.push(Arc::downgrade(&mailbox)));
        drop(snapshot);
        Subscription::new(mailbox, Arc::clone(&self.shared))
    }

    /// Tells a listener the addresses of pods, for as long as it lives. They are watched from the
    /// first time on that somebody asks.
    pub fn tell_pods(&self, listener: &Arc<dyn PodListener>) {
        let is_first = self.shared.pods.tell(listener);
        if let (true, Some(api)) = (is_first, &self.api) {
            let feed = Feed::new(Arc::clone(&self.shared));
            api.spawn(reflect::pods(api.client.clone(), api.scope.clone(), feed));
        }
    }

    fn begin(&self) {
        if let Some(api) = &self.api
            && !api.has_begun.swap(true, Ordering::Relaxed)
        {
            let feed = Feed::new(Arc::clone(&self.shared));
            api.spawn(reflect::all(api.client.clone(), api.scope.clone(), feed));
        }
    }

    /// Whether the API can't be watched at this time, so that the state is the last known one.
    pub fn is_cut_off(&self) -> bool {
        let cut = self.shared.cut.lock();
        !cut.unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The state of this moment. Writers wait while it is held: keep the section short.
    pub fn snapshot(&self) -> RwLockReadGuard<'_, Snapshot> {
        self.shared.read()
    }
}

impl Shared {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Snapshot> {
        self.snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every subscriber that is still there.
    pub(crate) fn post(&self, changes: &Changes) {
        self.with_mailboxes(|all| {
            all.retain(|mailbox| match mailbox.upgrade() {
                Some(mailbox) => {
                    mailbox.post(changes.clone());
                    true
                }
                None => false,
            });
        });
    }

    fn with_mailboxes(&self, work: impl FnOnce(&mut Vec<Weak<Mailbox>>)) {
        work(
            &mut self
                .mailboxes
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
