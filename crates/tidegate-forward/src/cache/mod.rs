//! Replies by question, in bounded memory.
//!
//! Answers with records and denials are kept apart, so that a flood of names that don't exist
//! never costs one that does its place.

mod demand;
mod settings;
mod shelf;
#[cfg(test)]
mod tests;
mod worth;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use crate::counters::Counters;
use crate::question::Question;
use crate::stored::{Age, NormaliseError, Reply, Stored};
use crate::zone_name::excepts;
pub(crate) use demand::Demand;
pub use settings::{CacheSettings, Prefetch, Refresh, ShelfSettings, Stale};
use shelf::Shelf;
use worth::{Worth, appraise};

/// What the cache says to a question.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The answer.
    Hit(Arc<Stored>),
    /// The answer; the caller is the one who should [refresh](crate::Resolver::refresh) it now,
    /// because it has outlived its TTL, or will soon and many want it.
    HitAndRefresh(Arc<Stored>),
    /// Nothing: the question has to be [resolved](crate::Resolver::resolve).
    Miss,
}

/// How many answers the cache has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Answers with records.
    pub success: usize,
    /// Denials and failures.
    pub denial: usize,
}

/// For how long a prefetch that brought nothing is not tried again.
const PREFETCH_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Cache {
    settings: CacheSettings,
    counters: Arc<Counters>,
    success: Shelf,
    denial: Shelf,
}

/// Where a reply is kept, and for how long; what the other shelf has for its question goes.
struct Place<'a> {
    shelf: &'a Shelf,
    other: &'a Shelf,
    lifetime: Duration,
}

impl Cache {
    pub(crate) fn new(settings: CacheSettings, counters: &Arc<Counters>) -> Self {
        let success = Shelf::new(&settings.success, Arc::clone(counters), |counters| {
            &counters.success_evictions
        });
        let denial = Shelf::new(&settings.denial, Arc::clone(counters), |counters| {
            &counters.denial_evictions
        });
        Self {
            settings,
            counters: Arc::clone(counters),
            success,
            denial,
        }
    }

    /// An answer that holds, or one that may be given although it doesn't any more.
    pub(crate) fn look_up(&self, question: &Question<'_>, now: Instant) -> Lookup {
        if !self.is_for(question) {
            return Lookup::Miss;
        }
        let success = match self.success.get(question) {
            Some(stored) if !stored.age.is_over(now) => {
                self.counters.success_hits.increment();
                return self.live(stored, now);
            }
            outlived => outlived,
        };
        let denial = match self.denial.get(question) {
            Some(stored) if !stored.age.is_over(now) => {
                self.counters.denial_hits.increment();
                return self.live(stored, now);
            }
            outlived => outlived,
        };
        let (count, stored) = match (success, denial) {
            (Some(stored), _) => (&self.counters.success_hits, stored),
            (None, Some(stored)) => (&self.counters.denial_hits, stored),
            (None, None) => return self.miss(),
        };
        match self.outlived(stored, now) {
            Lookup::Miss => self.miss(),
            hit => {
                count.increment();
                self.counters.stale_served.increment();
                hit
            }
        }
    }

    /// An answer that is better than none, though it may have outlived its TTL. A failure that was
    /// kept is not better than a new one.
    pub(crate) fn known(&self, question: &Question<'_>, now: Instant) -> Option<Arc<Stored>> {
        let stale = self.settings.stale.as_ref();
        let up_to = stale.map_or(Duration::ZERO, |stale| stale.up_to);
        let usable = |stored: &Arc<Stored>| {
            let age = &stored.age;
            stored.response_code() != ResponseCode::ServFail
                && (!age.is_over(now) || age.overdue(now) < up_to)
        };
        let success = self.success.peek(question).filter(usable);
        success.or_else(|| self.denial.peek(question).filter(usable))
    }

    /// Notes that an answer is given, though it has outlived its TTL, because nothing better is to
    /// be had; it is left at rest for a while.
    pub(crate) fn asked_in_vain(&self, question: &Question<'_>, now: Instant) {
        self.counters.stale_served.increment();
        if let Some(stale) = &self.settings.stale
            && let Some(stored) = self.known(question, now)
        {
            stored.claim_refresh(now, stale.recheck);
        }
    }

    /// How long clients wait for something better than an answer that has outlived its TTL.
    pub(crate) fn patience_with_stale(&self) -> Option<Duration> {
        match self.settings.stale.as_ref()?.refresh {
            Refresh::Verify { patience } => patience,
            Refresh::Immediate => None,
        }
    }

    /// Keeps a reply, if it is worth it, and makes it ready to be sent in any case.
    pub(crate) fn store(
        &self,
        question: &Question<'_>,
        mut reply: Reply,
        now: Instant,
    ) -> Result<Arc<Stored>, NormaliseError> {
        let worth = match self.is_for(question) {
            true => appraise(&mut reply, &self.settings),
            false => Worth::Nothing,
        };
        if worth == Worth::Unrelated {
            self.counters.drops.increment();
        }
        let Some(place) = self.place_for(question, worth) else {
            return Ok(Arc::new(reply.pass_on(question, now)?));
        };
        let age = Age {
            since: now,
            lifetime: place.lifetime,
            keeps_ttl: self.settings.keep_ttl,
            stale_ttl: self.settings.stale.as_ref().map_or(0, |stale| stale.ttl),
        };
        let stored = Arc::new(reply.store(question, age)?);
        // A failure says nothing about the name: it doesn't take the place of what is known.
        let is_failure = stored.response_code() == ResponseCode::ServFail;
        if is_failure && self.known(question, now).is_some() {
            return Ok(stored);
        }
        if let Some(earlier) = place.shelf.peek(question) {
            stored.succeed(&earlier);
        }
        place.shelf.insert(question.to_key(), Arc::clone(&stored));
        place.other.remove(question);
        Ok(stored)
    }

    pub(crate) fn entries(&self) -> Entries {
        Entries {
            success: self.success.len(),
            denial: self.denial.len(),
        }
    }

    fn place_for(&self, question: &Question<'_>, worth: Worth) -> Option<Place<'_>> {
        let (shelf, other, settings, lifetime) = match worth {
            Worth::Success(lifetime) => {
                let settings = &self.settings.success;
                (&self.success, &self.denial, settings, lifetime)
            }
            Worth::Denial(lifetime) => {
                let settings = &self.settings.denial;
                (&self.denial, &self.success, settings, lifetime)
            }
            Worth::Nothing | Worth::Unrelated => return None,
        };
        let is_kept = !lifetime.is_zero() && !excepts(&settings.disabled, question.name);
        is_kept.then_some(Place {
            shelf,
            other,
            lifetime,
        })
    }

    fn is_for(&self, question: &Question<'_>) -> bool {
        self.settings.zones.is_empty() || excepts(&self.settings.zones, question.name)
    }

    fn live(&self, stored: Arc<Stored>, now: Instant) -> Lookup {
        if let Some(prefetch) = &self.settings.prefetch
            && stored.is_worth_prefetching(prefetch, now)
            && stored.claim_refresh(now, PREFETCH_PAUSE)
        {
            self.counters.prefetches.increment();
            return Lookup::HitAndRefresh(stored);
        }
        Lookup::Hit(stored)
    }

    fn outlived(&self, stored: Arc<Stored>, now: Instant) -> Lookup {
        let Some(stale) = &self.settings.stale else {
            return Lookup::Miss;
        };
        let is_failure = stored.response_code() == ResponseCode::ServFail;
        if is_failure || stored.age.overdue(now) >= stale.up_to {
            return Lookup::Miss;
        }
        match stale.refresh {
            Refresh::Immediate if stored.claim_refresh(now, stale.recheck) => {
                Lookup::HitAndRefresh(stored)
            }
            Refresh::Verify { .. } if !stored.is_at_rest(now) => Lookup::Miss,
            Refresh::Immediate | Refresh::Verify { .. } => Lookup::Hit(stored),
        }
    }

    fn miss(&self) -> Lookup {
        self.counters.misses.increment();
        Lookup::Miss
    }
}
