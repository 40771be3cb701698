//! How long a container that keeps ending waits before it is started again.

use std::time::{Duration, Instant};

/// The waiting times. Defaults are those of a kubelet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOffSettings {
    /// Before the second restart; the first one comes at once. Every further wait is twice as long.
    pub initial: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// A container that ran this long starts over with the shortest wait.
    pub reset_after: Duration,
}

impl Default for BackOffSettings {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(10),
            longest: Duration::from_secs(300),
            reset_after: Duration::from_secs(600),
        }
    }
}

/// The waits of one container.
#[derive(Debug, Clone)]
pub(crate) struct BackOff {
    settings: BackOffSettings,
    next: Duration,
}

impl BackOff {
    pub(crate) fn new(settings: BackOffSettings) -> Self {
        Self {
            settings,
            next: Duration::ZERO,
        }
    }

    /// When a container that started at `began` and ended at `now` may be started again.
    pub(crate) fn after_run(&mut self, began: Instant, now: Instant) -> Instant {
        if now.saturating_duration_since(began) >= self.settings.reset_after {
            self.next = Duration::ZERO;
        }
        now + self.step()
    }

    /// When something that could not even be started may be tried again: never at once.
    pub(crate) fn after_failure(&mut self, now: Instant) -> Instant {
        self.next = self.next.max(self.settings.initial);
        now + self.step()
    }

    fn step(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).clamp(self.settings.initial, self.settings.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over_after_a_long_run() {
        let mut back_off = BackOff::new(BackOffSettings::default());
        let start = Instant::now();
        let mut wait = |ran: u64| {
            let end = start + Duration::from_secs(ran);
            (back_off.after_run(start, end) - end).as_secs()
        };
        let waits: Vec<_> = (0..8).map(|_| wait(1)).collect();
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(wait(599), 300);
        assert_eq!(wait(600), 0);
        assert_eq!(wait(1), 10);
    }

    #[test]
    fn a_failed_start_always_waits() {
        let mut back_off = BackOff::new(BackOffSettings::default());
        let now = Instant::now();
        assert_eq!(back_off.after_failure(now) - now, Duration::from_secs(10));
        assert_eq!(back_off.after_failure(now) - now, Duration::from_secs(20));
    }
}
