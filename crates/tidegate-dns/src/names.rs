//! The cluster's names of this moment: kept up to date by one task, read by every query.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tidegate_pages::Counter;
use tidegate_watch::{Changes, ClusterWatch, PodListener};
use tidegate_zone::{EndpointLabels, ServiceEntry, ZoneIndex};
use tokio::sync::Notify;

use crate::clock::seconds_since_1970;

/// The cluster's names, once for each way in which they can be made that some server block asks
/// for; mostly that is one.
#[derive(Debug, Default)]
pub(crate) struct ClusterNames {
    made: Mutex<HashMap<Making, Made>>,
    /// Told of names that are to be made.
    wanted: Notify,
    /// Told whenever names have been published.
    published: Notify,
    /// What is followed.
    watch: OnceLock<ClusterWatch>,
}

/// How names are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Making {
    pub(crate) labels: EndpointLabels,
    /// Whether the addresses of pods are needed.
    pub(crate) pods: bool,
}

#[derive(Clone, Debug)]
struct Made {
    index: Arc<ZoneIndex>,
    /// Follows the addresses of pods, once the cluster is watched.
    pods: Option<Arc<PodsOf>>,
}

/// Puts the addresses of pods into an index.
#[derive(Debug)]
struct PodsOf {
    index: Arc<ZoneIndex>,
    is_synced: AtomicBool,
    /// Told when the first list is complete.
    news: Arc<Notify>,
}

impl PodListener for PodsOf {
    fn has(&self, namespace: &str, address: IpAddr) {
        self.index.add_pod(namespace, address);
    }

    fn lost(&self, namespace: &str, address: IpAddr) {
        self.index.remove_pod(namespace, address);
    }

    fn synced(&self) {
        self.is_synced.store(true, Ordering::Release);
        self.news.notify_one();
    }
}

impl ClusterNames {
    /// Names that are made like this. Those that nobody had asked for are empty, and say so until
    /// they have been filled.
    pub(crate) fn index(&self, making: Making) -> Arc<ZoneIndex> {
        let mut all = self.lock();
        let made = all.entry(making).or_insert_with(|| {
            self.wanted.notify_one();
            Made {
                index: Arc::default(),
                pods: None,
            }
        });
        Arc::clone(&made.index)
    }

    /// Forgets the names that no server block asks for any more. What follows their pods holds them
    /// too.
    pub(crate) fn keep_used(&self) {
        let held_here = |made: &Made| 1 + usize::from(made.pods.is_some());
        self.lock()
            .retain(|_, made| Arc::strong_count(&made.index) > held_here(made));
    }

    /// Waits until everything is in.
    pub(crate) async fn synced(&self) {
        loop {
            let published = self.published.notified();
            if self.are_synced() {
                return;
            }
            published.await;
        }
    }

    /// Whether everything is in that there was at the start.
    pub(crate) fn are_synced(&self) -> bool {
        self.lock().values().all(|made| made.index.is_synced())
    }

    /// Whether the API can't be watched at this time, so that names are those of the last known state.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.watch.get().is_some_and(ClusterWatch::is_cut_off)
    }

    /// Follows the cluster for ever.
    pub(crate) async fn follow(&self, watch: &ClusterWatch, changes: &Counter) {
        // A server runs once, so nobody has set it yet.
        let _ = self.watch.set(watch.clone());
        let news = Arc::new(Notify::new());
        self.follow_pods(watch, &news);
        let mut subscription = watch.subscribe();
        loop {
            let heard = tokio::select! {
                heard = subscription.changed() => heard,
                () = self.wanted.notified() => {
                    self.follow_pods(watch, &news);
                    // Everything is told again to a new subscriber.
                    subscription = watch.subscribe();
                    continue;
                }
                () = news.notified() => {
                    if subscription.is_synced() {
                        subscription = watch.subscribe();
                    }
                    continue;
                }
            };
            changes.add(heard.backlog.services + heard.backlog.slices);
            self.apply(watch, &heard);
        }
    }

    /// Has pods told to the names that need them.
    fn follow_pods(&self, watch: &ClusterWatch, news: &Arc<Notify>) {
        let mut all = self.lock();
        let need = all
            .iter_mut()
            .filter(|(making, made)| making.pods && made.pods.is_none());
        let need: Vec<Arc<PodsOf>> = need
            .map(|(_, made)| {
                let pods = Arc::new(PodsOf {
                    index: Arc::clone(&made.index),
                    is_synced: AtomicBool::new(false),
                    news: Arc::clone(news),
                });
                made.pods = Some(Arc::clone(&pods));
                pods
            })
            .collect();
        drop(all);
        for pods in need {
            let listener: Arc<dyn PodListener> = pods;
            watch.tell_pods(&listener);
        }
    }

    fn apply(&self, watch: &ClusterWatch, changes: &Changes) {
        let indexes: Vec<(EndpointLabels, Made)> = {
            let all = self.lock();
            all.iter()
                .map(|(making, made)| (making.labels, made.clone()))
                .collect()
        };
        if changes.namespaces {
            let snapshot = watch.snapshot();
            for (_, made) in &indexes {
                made.index.set_namespaces(snapshot.namespaces());
            }
        }
        for key in &changes.services {
            let (service, slices) = {
                let snapshot = watch.snapshot();
                let slices: Vec<_> = snapshot.slices(key).collect();
                (snapshot.service(key), slices)
            };
            for (labels, made) in &indexes {
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
        for (_, made) in &indexes {
            let is_synced = |pods: &Arc<PodsOf>| pods.is_synced.load(Ordering::Acquire);
            if made.pods.as_ref().is_none_or(is_synced) {
                made.index.publish(serial);
            }
        }
        self.published.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Making, Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
