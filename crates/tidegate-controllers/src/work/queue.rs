//! Keys that wait to be worked on.
//!
//! A key is never worked on twice at the same time, and however often it is added meanwhile, it
//! is worked on just once more. Failed keys come back after a growing delay.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Pace;

/// The wait after a first failure, mostly a conflict that a fresh read resolves.
const FIRST_RETRY: Duration = Duration::from_millis(5);
/// The longest wait between two tries of a key that keeps failing.
pub(super) const SLOWEST_RETRY: Duration = Duration::from_secs(60);

/// A queue of keys that differ from what they should be.
#[derive(Debug)]
pub(crate) struct WorkQueue<K> {
    state: Mutex<State<K>>,
    wake: Notify,
}

#[derive(Debug)]
struct State<K> {
    ready: VecDeque<K>,
    waiting: HashSet<K>,
    running: HashSet<K>,
    again: HashSet<K>,
    later: BTreeMap<(Instant, u64), K>,
    due: HashMap<K, (Instant, u64)>,
    sequence: u64,
    failures: HashMap<K, u32>,
    pace: Option<Pace<K>>,
}

impl<K: Clone + Eq + Hash> WorkQueue<K> {
    /// A queue that hands out keys as soon as they are added.
    pub(crate) fn new() -> Self {
        Self::with_pace(None)
    }

    /// A queue that slows down keys which change all the time.
    pub(crate) fn paced(pace: Pace<K>) -> Self {
        Self::with_pace(Some(pace))
    }

    fn with_pace(pace: Option<Pace<K>>) -> Self {
        Self {
            state: Mutex::new(State {
                ready: VecDeque::new(),
                waiting: HashSet::new(),
                running: HashSet::new(),
                again: HashSet::new(),
                later: BTreeMap::new(),
                due: HashMap::new(),
                sequence: 0,
                failures: HashMap::new(),
                pace,
            }),
            wake: Notify::new(),
        }
    }

    /// Asks for a key to be worked on.
    pub(crate) fn add(&self, key: K) {
        self.lock().add(key);
        self.wake.notify_one();
    }

    /// Asks for a key to be worked on once `delay` has passed.
    pub(crate) fn add_after(&self, key: K, delay: Duration) {
        self.lock().add_at(key, Instant::now() + delay);
        self.wake.notify_one();
    }

    /// Waits for a key. It stays with the caller until [`WorkQueue::done`].
    pub(crate) async fn next(&self) -> K {
        loop {
            let next_due = {
                let mut state = self.lock();
                state.add_due();
                if let Some(key) = state.ready.pop_front() {
                    state.start(&key);
                    return key;
                }
                state.later.keys().next().map(|(instant, _)| *instant)
            };
            match next_due {
                Some(due) => tokio::select! {
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep_until(due) => {}
                },
                None => self.wake.notified().await,
            }
        }
    }

    /// Gives a key back; if it was added meanwhile, it is ready again.
    pub(crate) fn done(&self, key: &K) {
        let mut state = self.lock();
        state.running.remove(key);
        if let Some(key) = state.again.take(key) {
            state.add(key);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Forgets a key's failures.
    pub(crate) fn succeeded(&self, key: &K) {
        self.lock().failures.remove(key);
    }

    /// Adds a key after a delay that doubles with each time in a row, up to `slowest`; answers
    /// the delay.
    pub(crate) fn retry(&self, key: K, slowest: Duration) -> Duration {
        let mut state = self.lock();
        let failures = state.failures.entry(key.clone()).or_default();
        let delay = FIRST_RETRY
            .saturating_mul(1 << (*failures).min(20))
            .min(slowest);
        *failures += 1;
        state.add_at(key, Instant::now() + delay);
        drop(state);
        self.wake.notify_one();
        delay
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    fn add(&mut self, key: K) {
        if self.running.contains(&key) {
            self.again.insert(key);
            return;
        }
        if self.waiting.contains(&key) {
            return;
        }
        let earliest = self.pace.as_ref().and_then(|pace| pace.earliest(&key));
        match earliest {
            Some(earliest) if earliest > Instant::now() => self.add_at(key, earliest),
            _ => {
                self.waiting.insert(key.clone());
                self.ready.push_back(key);
            }
        }
    }

    /// Keeps the earlier one of two appointments.
    fn add_at(&mut self, key: K, instant: Instant) {
        if let Some(known) = self.due.get(&key) {
            if known.0 <= instant {
                return;
            }
            self.later.remove(known);
        }
        self.sequence += 1;
        let appointment = (instant, self.sequence);
        self.later.insert(appointment, key.clone());
        self.due.insert(key, appointment);
    }

    fn add_due(&mut self) {
        let now = Instant::now();
        while let Some(first) = self.later.first_entry() {
            if first.key().0 > now {
                break;
            }
            let key = first.remove();
            self.due.remove(&key);
            self.add(key);
        }
    }

    fn start(&mut self, key: &K) {
        self.waiting.remove(key);
        self.running.insert(key.clone());
        if let Some(pace) = &mut self.pace {
            pace.record(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test(start_paused = true)]
    async fn a_key_added_many_times_is_worked_on_once() {
        let queue = WorkQueue::new();
        (0..5).for_each(|_| queue.add("a"));
        assert_eq!(queue.next().await, "a");
        assert!(queue.next().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_added_during_work_comes_once_more_and_not_before_the_end() {
        let queue = WorkQueue::new();
        queue.add("a");
        queue.next().await;
        queue.add("a");
        queue.add("a");
        assert!(queue.next().now_or_never().is_none());
        queue.done(&"a");
        assert_eq!(queue.next().await, "a");
        queue.done(&"a");
        assert!(queue.next().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_wait_longer_each_time_until_a_success() {
        let queue = WorkQueue::new();
        assert_eq!(queue.retry("a", SLOWEST_RETRY), Duration::from_millis(5));
        assert_eq!(queue.retry("a", SLOWEST_RETRY), Duration::from_millis(10));
        (0..60).for_each(|_| {
            queue.retry("a", SLOWEST_RETRY);
        });
        assert_eq!(queue.retry("a", SLOWEST_RETRY), SLOWEST_RETRY);
        queue.succeeded(&"a");
        assert_eq!(queue.retry("a", SLOWEST_RETRY), Duration::from_millis(5));
        assert_eq!(queue.next().await, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_of_two_appointments_counts() {
        let queue = WorkQueue::new();
        let begin = Instant::now();
        queue.add_after("a", Duration::from_secs(10));
        queue.add_after("a", Duration::from_secs(1));
        queue.add_after("a", Duration::from_secs(5));
        queue.next().await;
        queue.done(&"a");
        assert_eq!(begin.elapsed().as_secs(), 1);
        let nothing_more = tokio::time::timeout(Duration::from_secs(60), queue.next()).await;
        assert!(nothing_more.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_served_at_once_first_and_at_its_pace_then() {
        let pace = Pace::new(Duration::from_millis(100), 3);
        let queue = WorkQueue::paced(pace);
        let begin = Instant::now();
        let mut times = Vec::new();
        for _ in 0..6 {
            queue.add("a");
            queue.next().await;
            queue.done(&"a");
            times.push(begin.elapsed().as_millis() / 100);
        }
        assert_eq!(times, [0, 0, 0, 1, 2, 3]);
    }
}
