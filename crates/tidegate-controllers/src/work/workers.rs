//! Works on the keys of one queue, several at a time.

use std::fmt::Display;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::WorkQueue;
use super::queue::SLOWEST_RETRY;
use crate::api::SyncError;

/// The longest wait between two looks at something that no event tells of.
const SLOWEST_POLL: Duration = Duration::from_secs(2);

/// What is left to do for a key after it was worked on without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing until something changes.
    Settled,
    /// Look again after this time, for example when a deadline may have passed.
    After(Duration),
    /// Look again soon, less often the longer it takes: something out of sight must happen first.
    Poll,
}

/// Hands keys to `sync`, at most `parallelism` at a time, until shutdown; then lets the running
/// ones finish.
///
/// A panic in `sync` is a defect of one controller on one object: it is logged, the object is
/// tried again, and everything else goes on.
pub(crate) async fn work<K, F, S>(
    controller: &'static str,
    queue: Arc<WorkQueue<K>>,
    parallelism: usize,
    shutdown: CancellationToken,
    sync: F,
) where
    K: Clone + Eq + Hash + Display + Send + Sync + 'static,
    F: Fn(K) -> S,
    S: Future<Output = Result<Next, SyncError>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(parallelism));
    let mut running = JoinSet::new();
    loop {
        let claim = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, queue.next().await)
        };
        let Some((slot, key)) = shutdown.run_until_cancelled(claim).await else {
            break;
        };
        while running.try_join_next().is_some() {}
        let turn = Turn {
            controller,
            queue: Arc::clone(&queue),
            key: key.clone(),
            finished: false,
        };
        let syncing = sync(key);
        running.spawn(async move {
            turn.finish(syncing.await);
            drop(slot);
        });
    }
    while running.join_next().await.is_some() {}
}

/// One key being worked on; gives it back to the queue whatever happens.
struct Turn<K: Clone + Eq + Hash + Display> {
    controller: &'static str,
    queue: Arc<WorkQueue<K>>,
    key: K,
    finished: bool,
}

impl<K: Clone + Eq + Hash + Display> Turn<K> {
    fn finish(mut self, outcome: Result<Next, SyncError>) {
        self.finished = true;
        match outcome {
            Ok(Next::Settled) => self.queue.succeeded(&self.key),
            Ok(Next::After(delay)) => {
                self.queue.succeeded(&self.key);
                self.queue.add_after(self.key.clone(), delay);
            }
            Ok(Next::Poll) => {
                self.queue.retry(self.key.clone(), SLOWEST_POLL);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &SyncError) {
        let retry_in = self.queue.retry(self.key.clone(), SLOWEST_RETRY);
        let (controller, key) = (self.controller, &self.key);
        if error.is_race() {
            tracing::debug!(controller, %key, ?retry_in, %error, "lost a race, trying again");
        } else {
            tracing::warn!(controller, %key, ?retry_in, %error, "could not sync, trying again");
        }
    }
}

impl<K: Clone + Eq + Hash + Display> Drop for Turn<K> {
    fn drop(&mut self) {
        if !self.finished {
            tracing::error!(controller = self.controller, key = %self.key, "work was cut short");
            self.queue.retry(self.key.clone(), SLOWEST_RETRY);
        }
        self.queue.done(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_panic_on_one_key_is_tried_again_and_stops_nothing() {
        let queue = Arc::new(WorkQueue::new());
        queue.add("bad");
        queue.add("good");
        let shutdown = CancellationToken::new();
        let (tries, goods) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, stop, good) = (Arc::clone(&tries), shutdown.clone(), Arc::clone(&goods));
        let sync = move |key: &'static str| {
            let (counted, stop, good) = (Arc::clone(&counted), stop.clone(), Arc::clone(&good));
            async move {
                if key == "good" {
                    good.fetch_add(1, Ordering::Relaxed);
                    return Ok(Next::Settled);
                }
                let tries = counted.fetch_add(1, Ordering::Relaxed);
                assert!(tries > 0, "the first try fails on purpose");
                stop.cancel();
                Ok(Next::Settled)
            }
        };
        work("test", queue, 4, shutdown, sync).await;
        assert_eq!(tries.load(Ordering::Relaxed), 2);
        assert_eq!(goods.load(Ordering::Relaxed), 1);
    }
}
