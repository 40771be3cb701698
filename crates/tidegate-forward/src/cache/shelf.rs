//! One part of the cache: so many answers, and so much memory, and never more.

use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};
use tidegate_pages::Counter;

use super::settings::ShelfSettings;
use crate::counters::Counters;
use crate::question::{Key, Question};
use crate::stored::Stored;

/// Answers by question. What was asked for again is kept in preference to what was asked for once.
#[derive(Debug)]
pub(super) struct Shelf {
    entries: Cache<Key, Arc<Stored>, Weight, DefaultHashBuilder, Evictions>,
}

/// An entry weighs what it takes in memory, but at least its share of what all may take: so one
/// bound on the weight is one on both.
#[derive(Clone, Debug)]
struct Weight {
    at_least: u64,
}

/// Counts what makes way.
#[derive(Clone, Debug)]
struct Evictions {
    counters: Arc<Counters>,
    which: fn(&Counters) -> &Counter,
}

/// What the cache itself takes for an entry, about.
const BOOKKEEPING: usize = 64;

impl Shelf {
    pub(super) fn new(
        settings: &ShelfSettings,
        counters: Arc<Counters>,
        which: fn(&Counters) -> &Counter,
    ) -> Self {
        let entries = settings.entries.max(1);
        let bytes = (settings.bytes as u64).max(entries as u64);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries)
            .weight_capacity(bytes)
            .build()
            .expect("both that the builder asks for are given");
        let weight = Weight {
            at_least: bytes.div_ceil(entries as u64),
        };
        let evictions = Evictions { counters, which };
        Self {
            entries: Cache::with_options(options, weight, DefaultHashBuilder::default(), evictions),
        }
    }

    pub(super) fn get(&self, question: &Question<'_>) -> Option<Arc<Stored>> {
        self.entries.get(question)
    }

    /// As [`Shelf::get`], without making the entry look asked for.
    pub(super) fn peek(&self, question: &Question<'_>) -> Option<Arc<Stored>> {
        self.entries.peek(question)
    }

    pub(super) fn insert(&self, key: Key, entry: Arc<Stored>) {
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&self, question: &Question<'_>) {
        self.entries.remove(question);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        self.entries.weight()
    }
}

impl Weighter<Key, Arc<Stored>> for Weight {
    fn weight(&self, key: &Key, entry: &Arc<Stored>) -> u64 {
        let memory = size_of::<Key>() + key.len() + entry.memory() + BOOKKEEPING;
        (memory as u64).max(self.at_least)
    }
}

impl Lifecycle<Key, Arc<Stored>> for Evictions {
    type RequestState = ();

    fn begin_request(&self) {}

    fn on_evict(&self, _state: &mut (), _key: Key, _entry: Arc<Stored>) {
        (self.which)(&self.counters).increment();
    }
}
