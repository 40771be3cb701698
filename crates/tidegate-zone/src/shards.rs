//! A table that is read without locks while it changes.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use hashbrown::{DefaultHashBuilder, HashTable};

/// Into how many parts a table is split. A change copies one part, so this is what makes a change
/// cheap; a hundred thousand entries are a hundred in each.
const SHARDS: usize = 1024;

/// One part, as readers see it.
pub(crate) type Shard<T> = Guard<Arc<HashTable<T>>>;

/// A table of entries, each of which knows its key. Readers take the part that their key is in as
/// it is at that moment; a writer puts a changed copy of the part in its place. There must be one
/// writer at a time.
#[derive(Debug)]
pub(crate) struct Shards<T> {
    parts: Box<[ArcSwap<HashTable<T>>]>,
    hasher: DefaultHashBuilder,
}

impl<T: Clone> Shards<T> {
    pub(crate) fn new() -> Self {
        let empty = Arc::new(HashTable::new());
        let parts = (0..SHARDS).map(|_| ArcSwap::new(Arc::clone(&empty)));
        Self {
            parts: parts.collect(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The part that a key is in, and the key's hash there.
    #[inline]
    pub(crate) fn read<K: Hash + ?Sized>(&self, key: &K) -> (u64, Shard<T>) {
        let hash = self.hasher.hash_one(key);
        (hash, self.part(hash).load())
    }

    /// Changes the part that a key is in. `key_of` gives an entry's key.
    pub(crate) fn change<K: Hash + ?Sized>(
        &self,
        key: &K,
        key_of: impl Fn(&T) -> &K,
        work: impl FnOnce(u64, &mut HashTable<T>, &dyn Fn(&T) -> u64),
    ) {
        let hash = self.hasher.hash_one(key);
        let part = self.part(hash);
        let mut copy = HashTable::clone(&part.load());
        work(hash, &mut copy, &|entry| {
            self.hasher.hash_one(key_of(entry))
        });
        part.store(Arc::new(copy));
    }

    /// All entries of this moment, part by part.
    pub(crate) fn for_each(&self, mut work: impl FnMut(&T)) {
        for part in &self.parts {
            part.load().iter().for_each(&mut work);
        }
    }

    fn part(&self, hash: u64) -> &ArcSwap<HashTable<T>> {
        // The table within uses the lowest and the highest bits.
        let index = (hash >> 32) as usize % SHARDS;
        &self.parts[index]
    }
}
