//! What the loop does in one go: take up changes, check, try again, and draw conclusions.

use std::time::Duration;

use jiff::Timestamp;
use tidegate_watch::Changes;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep_until};

use crate::engine::Attempt;
use crate::events::Event;
use crate::pause::until;
use crate::told::News;
use crate::{ModeFactory, Proxy};

/// Whatever brings the next attempt forward (changes while the kernel refuses, a second look),
/// attempts take at most one part of so many of the time.
const SHARE_OF_ATTEMPTS: u32 = 5;

/// How soon to look again where somebody else may still be at work: after a start, what a proxy
/// before us had begun, such as a program that outlived it; after a repair, whoever made it necessary.
const SECOND_LOOK: Duration = Duration::from_secs(2);

impl<F: ModeFactory> Proxy<F> {
    /// Waits for something to do and does it. Being dropped between the two loses nothing.
    pub(crate) async fn step(&mut self) {
        let attempted = self.status.borrow().attempted();
        let next_look = self.retiring.next_look();
        let (subscription, not_before) = (&mut self.subscription, self.not_before);
        let changes = async {
            // Timers are a millisecond late; where no pause is asked for, nobody waits that long.
            if Instant::now() < not_before {
                sleep_until(not_before).await;
            }
            subscription.changed().await
        };
        tokio::select! {
            changes = changes => self.take_changes(changes),
            () = sleep_until(self.next_check), if attempted => self.check(),
            Ok(()) = self.wanted.changed() => self.reconfigure(),
            () = self.surroundings.changed() => self.adapt(),
            Some(request) = self.gauge_requests.recv() => request.answer(self.engine.gauges()),
            () = until(next_look) => self.look_after_retiring(),
        }
    }

    fn take_changes(&mut self, changes: Changes) {
        let attempted = self.status.borrow().attempted();
        if changes.services.is_empty() && attempted {
            return;
        }
        self.metrics.heard(&changes.backlog);
        for (service, trigger) in changes.triggers {
            self.triggers.entry(service).or_insert(trigger);
        }
        self.status.send_modify(|status| {
            let since = changes.backlog.since.unwrap_or_else(Instant::now);
            status.unfinished_since.get_or_insert(since);
        });
        let mut attempt = None;
        let news = block_in_place(|| {
            let (delta, news) = self
                .engine
                .refresh(&self.subscription.snapshot(), changes.services);
            attempt = match self.engine.refused() {
                None if attempted => None,
                None => Some(self.engine.reconcile()),
                Some(refused) => {
                    if delta
                        .changes
                        .iter()
                        .any(|change| refused.contains(&change.key))
                    {
                        self.try_again_sooner();
                    }
                    Some(self.engine.apply(delta))
                }
            };
            news
        });
        self.pass_on(news);
        match attempt {
            Some(attempt) => self.record(attempt),
            // Everything waits for the next attempt at a reconcile.
            None => self.try_again_sooner(),
        }
    }

    fn check(&mut self) {
        let attempt = block_in_place(|| self.engine.reconcile());
        self.record(attempt);
    }

    /// What changed may be what the kernel could not take.
    fn try_again_sooner(&mut self) {
        let rest = rest_after(self.metrics.last_full_sync());
        let soon = Instant::now() + rest.max(self.config.first_retry);
        self.next_check = self.next_check.min(soon);
    }

    fn look_after_retiring(&mut self) {
        block_in_place(|| self.retiring.look(self.config.drain_limit));
        let draining = self.retiring.connections();
        self.status.send_modify(|status| status.draining = draining);
    }

    /// Draws the conclusions of an attempt.
    pub(crate) fn record(&mut self, mut attempt: Attempt) {
        self.pass_on(std::mem::take(&mut attempt.news));
        let now = Instant::now();
        self.not_before = now + self.config.min_sync_period;
        if attempt.full {
            let is_first = !self.status.borrow().programmed;
            let pause = match is_first || attempt.repaired {
                true => rest_after(attempt.took).max(SECOND_LOOK),
                false => self.config.audit_period,
            };
            self.next_check = now + pause.min(self.config.audit_period);
        }
        let refused = self.engine.refused();
        let in_step = refused.is_some_and(|refused| refused.is_empty());
        if in_step {
            self.retry_after = self.config.first_retry;
        } else if !attempt.complete {
            self.next_check = self.next_check.min(now + self.retry_after);
            self.retry_after = (self.retry_after * 2).min(self.config.longest_retry);
        }
        let (programmed, refused) = (refused.is_some(), refused.map_or(0, |some| some.len()));
        let services = self.engine.plan().services.len();
        self.status.send_modify(|status| {
            status.programmed |= programmed;
            status.healthy = in_step;
            status.services = services;
            status.refused = refused;
            status.repairs += u64::from(attempt.repaired);
            status.failures += u64::from(!attempt.complete);
            if programmed {
                status.unfinished_since = None;
                status.last_updated = Some(Timestamp::now());
            }
        });
        self.measure(&attempt, programmed);
        if programmed && !std::mem::replace(&mut self.swept, true) {
            block_in_place(|| self.sweep());
        }
    }

    fn measure(&mut self, attempt: &Attempt, programmed: bool) {
        let no_local = self.engine.no_local_endpoints();
        self.metrics
            .attempted(attempt, self.engine.mode(), no_local);
        if !programmed {
            return;
        }
        self.metrics.in_force(&attempt.families);
        for (service, trigger) in std::mem::take(&mut self.triggers) {
            let services = &self.engine.plan().services;
            self.metrics.programmed(&service, trigger, services);
        }
    }

    /// Removes what an earlier run in another mode may have left, now that this one serves.
    fn sweep(&self) {
        for mut other in self.factory.others(self.engine.mode()) {
            let mode = other.mode();
            if let Err(error) = other.remove() {
                tracing::warn!(mode, %error, "what an earlier run in this mode may have left can't be removed");
            }
        }
    }

    pub(crate) fn pass_on(&self, news: News) {
        for (service, complaint) in news {
            tracing::warn!("{}", complaint.note);
            self.events.tell(Event::of_complaint(service, complaint));
        }
    }
}

/// How long to leave the kernel alone after an attempt that took so long.
fn rest_after(took: Duration) -> Duration {
    took * (SHARE_OF_ATTEMPTS - 1)
}
