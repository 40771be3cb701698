//! What a ReplicaSet has asked for and not yet seen happen.
//!
//! The pod cache trails the API server by a moment. A ReplicaSet that counted its pods in this
//! moment would create or delete the same difference twice.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// After this time something must have gone past us, and counting again is safer than waiting.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);

/// Pods that should appear or go, by the uid of their ReplicaSet.
#[derive(Debug, Default)]
pub(super) struct Expectations {
    pending: Mutex<HashMap<String, Pending>>,
}

#[derive(Debug)]
struct Pending {
    creations: usize,
    deletions: HashSet<String>,
    since: Instant,
}

impl Expectations {
    /// Nothing is outstanding: the pods in the cache may be counted.
    pub(super) fn are_met(&self, replica_set: &str) -> bool {
        let mut all = self.lock();
        let Some(pending) = all.get(replica_set) else {
            return true;
        };
        let met = pending.creations == 0 && pending.deletions.is_empty();
        if met || pending.since.elapsed() >= GIVE_UP_AFTER {
            all.remove(replica_set);
            return true;
        }
        false
    }

    /// Call before creating pods, since they may be seen before the call returns.
    pub(super) fn expect_creations(&self, replica_set: &str, count: usize) {
        self.entry(replica_set, |pending| pending.creations += count);
    }

    /// Call before deleting pods.
    pub(super) fn expect_deletions(
        &self,
        replica_set: &str,
        pods: impl IntoIterator<Item = String>,
    ) {
        self.entry(replica_set, |pending| pending.deletions.extend(pods));
    }

    /// A pod appeared, or could not be created.
    pub(super) fn creations_settled(&self, replica_set: &str, count: usize) {
        if let Some(pending) = self.lock().get_mut(replica_set) {
            pending.creations = pending.creations.saturating_sub(count);
        }
    }

    /// A pod is gone or going, or could not be deleted.
    pub(super) fn deletion_settled(&self, replica_set: &str, pod: &str) {
        if let Some(pending) = self.lock().get_mut(replica_set) {
            pending.deletions.remove(pod);
        }
    }

    /// The ReplicaSet is gone.
    pub(super) fn forget(&self, replica_set: &str) {
        self.lock().remove(replica_set);
    }

    fn entry(&self, replica_set: &str, change: impl FnOnce(&mut Pending)) {
        let mut all = self.lock();
        let pending = all
            .entry(replica_set.to_owned())
            .or_insert_with(|| Pending {
                creations: 0,
                deletions: HashSet::new(),
                since: Instant::now(),
            });
        pending.since = Instant::now();
        change(pending);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn they_are_met_when_everything_was_seen() {
        let expectations = Expectations::default();
        assert!(expectations.are_met("set"));
        expectations.expect_creations("set", 2);
        expectations.creations_settled("set", 1);
        assert!(!expectations.are_met("set"));
        expectations.creations_settled("set", 1);
        assert!(expectations.are_met("set"));

        expectations.expect_deletions("set", ["a".to_owned(), "b".to_owned()]);
        expectations.deletion_settled("set", "a");
        expectations.deletion_settled("set", "a");
        assert!(!expectations.are_met("set"));
        expectations.deletion_settled("set", "b");
        assert!(expectations.are_met("set"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_never_seen_is_given_up_some_day() {
        let expectations = Expectations::default();
        expectations.expect_creations("set", 1);
        tokio::time::advance(GIVE_UP_AFTER - Duration::from_secs(1)).await;
        assert!(!expectations.are_met("set"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(expectations.are_met("set"));
    }
}
