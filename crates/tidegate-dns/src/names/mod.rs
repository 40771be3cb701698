//! The cluster's names of this moment: kept up to date by a task, read by every query.

mod follower;
mod pods;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_pages::Counter;
use tidegate_watch::{ClusterWatch, Selectors};
use tidegate_zone::{EndpointLabels, ZoneIndex};
use tokio::sync::Notify;

use follower::Follower;
use pods::PodsOf;

/// The cluster's names, once for each way in which they can be made that some server block asks
/// for; mostly that is one.
#[derive(Debug, Default)]
pub(crate) struct ClusterNames {
    made: Mutex<HashMap<Making, Made>>,
    /// Told of names that are to be made, and of names that nobody asks for any more.
    wanted: Notify,
    /// Told whenever names have been published.
    published: Notify,
    /// What is followed.
    watches: Mutex<Vec<ClusterWatch>>,
}

/// How names are made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Making {
    pub(crate) labels: EndpointLabels,
    /// Whether the addresses of pods are needed.
    pub(crate) pods: bool,
    /// Of which objects.
    pub(crate) selectors: Selectors,
}

#[derive(Clone, Debug)]
struct Made {
    index: Arc<ZoneIndex>,
    /// Follows the addresses of pods, once the cluster is watched.
    pods: Option<Arc<PodsOf>>,
}

impl ClusterNames {
    /// Names that are made like this. Those that nobody had asked for are empty, and say so until
    /// they have been filled.
    pub(crate) fn index(&self, making: Making) -> Arc<ZoneIndex> {
        let mut all = lock(&self.made);
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
        lock(&self.made).retain(|_, made| Arc::strong_count(&made.index) > held_here(made));
        self.wanted.notify_one();
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
        lock(&self.made).values().all(|made| made.index.is_synced())
    }

    /// Whether the API can't be watched at this time, so that names are those of the last known state.
    pub(crate) fn is_cut_off(&self) -> bool {
        lock(&self.watches).iter().any(ClusterWatch::is_cut_off)
    }

    /// Follows the cluster for ever. Names that are made of the same objects have one watch: `watch`
    /// those that are made of all, and one of its own each other selection.
    pub(crate) async fn follow(self: &Arc<Self>, watch: &ClusterWatch, changes: &Arc<Counter>) {
        let mut followers: HashMap<Selectors, Follower> = HashMap::new();
        loop {
            let wanted: HashSet<Selectors> = {
                let made = lock(&self.made);
                made.keys().map(|making| making.selectors.clone()).collect()
            };
            followers.retain(|selectors, _| wanted.contains(selectors));
            for selectors in wanted {
                match followers.get(&selectors) {
                    Some(follower) if self.lack(&selectors) => follower.look_again(),
                    Some(_) => {}
                    None => {
                        let follower = Follower::start(self, watch, &selectors, changes);
                        followers.insert(selectors, follower);
                    }
                }
            }
            *lock(&self.watches) = followers.values().map(Follower::watch).collect();
            self.wanted.notified().await;
        }
    }

    /// Whether some of the names that are made of these objects aren't in yet.
    fn lack(&self, selectors: &Selectors) -> bool {
        let made = self.made_of(selectors);
        made.iter().any(|(_, made)| !made.index.is_synced())
    }

    /// The names that are made of the same objects.
    fn made_of(&self, selectors: &Selectors) -> Vec<(EndpointLabels, Made)> {
        let all = lock(&self.made);
        all.iter()
            .filter(|(making, _)| making.selectors == *selectors)
            .map(|(making, made)| (making.labels, made.clone()))
            .collect()
    }

    /// Those of them that need pods which nobody follows yet, with what shall follow them from now on.
    fn new_pods_of(&self, selectors: &Selectors, news: &Arc<Notify>) -> Vec<Arc<PodsOf>> {
        let mut all = lock(&self.made);
        all.iter_mut()
            .filter(|(making, made)| {
                making.selectors == *selectors && making.pods && made.pods.is_none()
            })
            .map(|(_, made)| {
                let pods = PodsOf::new(Arc::clone(&made.index), Arc::clone(news));
                Arc::clone(made.pods.insert(Arc::new(pods)))
            })
            .collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn each_selection_has_one_watch_while_somebody_asks_for_it() {
        let names = Arc::<ClusterNames>::default();
        let making = |labels: EndpointLabels, objects: Option<&str>| Making {
            labels,
            pods: false,
            selectors: Selectors {
                objects: objects.map(str::to_owned),
                namespaces: None,
            },
        };
        let _whole = names.index(making(EndpointLabels::Address, None));
        let part = names.index(making(EndpointLabels::Address, Some("a=b")));
        let same_part = names.index(making(EndpointLabels::PodName, Some("a=b")));
        let other_part = names.index(making(EndpointLabels::Address, Some("a=c")));
        let (watch, _feed) = ClusterWatch::detached();
        let changes = Arc::default();
        let until = async |watches: usize| {
            while lock(&names.watches).len() != watches {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let checks = async {
            until(3).await;
            drop((part, other_part));
            names.keep_used();
            until(2).await;
            drop(same_part);
            names.keep_used();
            until(1).await;
        };
        let checked = tokio::time::timeout(Duration::from_secs(60), checks);
        tokio::select! {
            () = names.follow(&watch, &changes) => {}
            checked = checked => checked.expect("what nobody asks for isn't watched"),
        }
    }
}
