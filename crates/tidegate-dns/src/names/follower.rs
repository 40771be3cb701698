//! One watch of the cluster, and the names that are made of what it sees.

use std::sync::Arc;

use tidegate_model::{ServiceKey, Snapshot};
use tidegate_pages::Counter;
use tidegate_watch::{Changes, ClusterWatch, PodListener, Selectors};
use tidegate_zone::ServiceEntry;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::ClusterNames;
use crate::clock::seconds_since_1970;

/// Keeps names up to date for as long as it lives.
pub(super) struct Follower {
    watch: ClusterWatch,
    news: Arc<Notify>,
    _task: AbortOnDropHandle<()>,
    /// Ends the watch, if it is there for these names alone.
    _watching: Option<DropGuard>,
}

struct Task {
    names: Arc<ClusterNames>,
    watch: ClusterWatch,
    selectors: Selectors,
    /// Told of names that are to be made, and of pods that are all there.
    news: Arc<Notify>,
    changes: Arc<Counter>,
}

impl Follower {
    /// Follows what is selected: by `whole` itself where that is everything.
    pub(super) fn start(
        names: &Arc<ClusterNames>,
        whole: &ClusterWatch,
        selectors: &Selectors,
        changes: &Arc<Counter>,
    ) -> Self {
        let (watch, watching) = match *selectors == Selectors::default() {
            true => (whole.clone(), None),
            false => {
                let shutdown = CancellationToken::new();
                let watch = whole.selected(selectors, shutdown.clone());
                (watch, Some(shutdown.drop_guard()))
            }
        };
        let news = Arc::<Notify>::default();
        let task = Task {
            names: Arc::clone(names),
            watch: watch.clone(),
            selectors: selectors.clone(),
            news: Arc::clone(&news),
            changes: Arc::clone(changes),
        };
        Self {
            watch,
            news,
            _task: AbortOnDropHandle::new(tokio::spawn(task.run())),
            _watching: watching,
        }
    }

    /// Says that there may be names which are to be made.
    pub(super) fn look_again(&self) {
        self.news.notify_one();
    }

    pub(super) fn watch(&self) -> ClusterWatch {
        self.watch.clone()
    }
}

impl Task {
    async fn run(self) {
        self.follow_pods();
        let mut subscription = self.watch.subscribe();
        loop {
            tokio::select! {
                heard = subscription.changed() => {
                    self.changes.add(heard.backlog.services + heard.backlog.slices);
                    self.apply(heard);
                }
                () = self.news.notified() => {
                    self.follow_pods();
                    // Everything is told again to a new subscriber.
                    subscription = self.watch.subscribe();
                }
            }
        }
    }

    /// Has pods told to the names that need them.
    fn follow_pods(&self) {
        for pods in self.names.new_pods_of(&self.selectors, &self.news) {
            let listener: Arc<dyn PodListener> = pods;
            self.watch.tell_pods(&listener);
        }
    }

    fn apply(&self, mut changes: Changes) {
        let all = self.names.made_of(&self.selectors);
        if changes.namespaces {
            let snapshot = self.watch.snapshot();
            for (_, made) in &all {
                made.index.set_namespaces(snapshot.namespaces());
            }
            if self.selectors.namespaces.is_some() {
                changes.services.extend(snapshot.keys());
            }
        }
        for key in &changes.services {
            let (service, slices) = {
                let snapshot = self.watch.snapshot();
                let service = snapshot.service(key).filter(|_| self.has(&snapshot, key));
                let slices: Vec<_> = snapshot.slices(key).collect();
                (service, slices)
            };
            for (labels, made) in &all {
                match &service {
                    Some(service) => {
                        made.index
                            .set(key, ServiceEntry::new(service, &slices, *labels));
                    }
                    None => made.index.remove(key),
                }
            }
        }
        // The low 32 bits: serial numbers wrap around (RFC 1982).
        let serial = (seconds_since_1970() & u64::from(u32::MAX)) as u32;
        for (_, made) in &all {
            if made.pods.as_ref().is_none_or(|pods| pods.is_synced()) {
                made.index.publish(serial);
            }
        }
        self.names.published.notify_waiters();
    }

    /// Whether a Service is in a namespace that is selected: the API selects namespaces, and not what
    /// is in them.
    fn has(&self, snapshot: &Snapshot, key: &ServiceKey) -> bool {
        self.selectors.namespaces.is_none() || snapshot.has_namespace(&key.namespace)
    }
}
