//! Where clients went, so that they go there again.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The most clients that one service port remembers, times two. Beyond that those that were away
/// for longest are forgotten: they are served, and may reach another backend.
const MOST_CLIENTS: usize = 32 * 1024;

/// What one service port remembers of its clients.
///
/// Two generations stand for the order of use: who comes again moves to the young one, and when
/// that is full, or as old as a client may be away, it takes the place of the old one. So nothing
/// is ever sorted or searched, and who stays away is forgotten within two times that.
#[derive(Debug)]
pub(crate) struct Affinity {
    time: Duration,
    young: HashMap<IpAddr, Memory>,
    old: HashMap<IpAddr, Memory>,
    begun: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Memory {
    backend: SocketAddr,
    seen: Instant,
}

impl Affinity {
    /// Nothing remembered; clients that are away for longer than `time` are forgotten.
    pub(crate) fn new(time: Duration, now: Instant) -> Self {
        Self {
            time,
            young: HashMap::new(),
            old: HashMap::new(),
            begun: now,
        }
    }

    /// Takes another time, which counts for those that are remembered already.
    pub(crate) fn set_time(&mut self, time: Duration) {
        self.time = time;
    }

    /// Where a client went.
    pub(crate) fn recall(&self, client: IpAddr, now: Instant) -> Option<SocketAddr> {
        let memory = self.young.get(&client).or_else(|| self.old.get(&client))?;
        (now.saturating_duration_since(memory.seen) < self.time).then_some(memory.backend)
    }

    /// Takes note that a client goes somewhere now.
    pub(crate) fn remember(&mut self, client: IpAddr, backend: SocketAddr, now: Instant) {
        let is_old = now.saturating_duration_since(self.begun) >= self.time;
        if is_old || self.young.len() >= MOST_CLIENTS {
            self.old = std::mem::take(&mut self.young);
            self.begun = now;
        }
        let memory = Memory { backend, seen: now };
        self.young.insert(client, memory);
    }

    /// Forgets who went to a backend that isn't among these.
    pub(crate) fn keep_only(&mut self, backends: &HashSet<SocketAddr>) {
        for generation in [&mut self.young, &mut self.old] {
            generation.retain(|_, memory| backends.contains(&memory.backend));
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(10);

    fn client(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    fn backend(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn the_time_counts_from_the_last_call() {
        let start = Instant::now();
        let mut affinity = Affinity::new(TIME, start);
        for second in [0, 9, 18, 27] {
            let now = start + Duration::from_secs(second);
            affinity.remember(client(1), backend(1), now);
        }
        let after = |second| start + Duration::from_secs(second);
        assert_eq!(affinity.recall(client(1), after(36)), Some(backend(1)));
        assert_eq!(affinity.recall(client(1), after(37)), None);
        assert_eq!(affinity.recall(client(2), after(36)), None);
    }

    #[test]
    fn a_flood_of_clients_takes_bounded_memory() {
        let now = Instant::now();
        let mut affinity = Affinity::new(TIME, now);
        for number in 0..200_000 {
            affinity.remember(client(number), backend(1), now);
        }
        assert!(affinity.len() <= 2 * MOST_CLIENTS);
        assert_eq!(affinity.recall(client(199_999), now), Some(backend(1)));
    }

    #[test]
    fn who_stays_away_takes_no_memory_for_ever() {
        let start = Instant::now();
        let mut affinity = Affinity::new(TIME, start);
        for number in 0..100 {
            affinity.remember(client(number), backend(1), start);
        }
        for round in 1..=2 {
            affinity.remember(client(1000), backend(1), start + TIME * round);
        }
        assert_eq!(affinity.len(), 2, "the one that came, in both generations");
    }

    #[test]
    fn a_backend_that_goes_loses_its_clients() {
        let now = Instant::now();
        let mut affinity = Affinity::new(TIME, now);
        affinity.remember(client(1), backend(1), now);
        affinity.remember(client(2), backend(2), now);
        affinity.keep_only(&HashSet::from([backend(2)]));
        assert_eq!(affinity.recall(client(1), now), None);
        assert_eq!(affinity.recall(client(2), now), Some(backend(2)));
    }
}
