//! What a cache is told.

use std::time::Duration;

use crate::zone_name::ZoneName;

/// What is remembered, and for how long. The defaults are CoreDNS's, where nothing else is said.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// The domains whose names are remembered; with none, all are.
    pub zones: Vec<ZoneName>,
    /// For answers with records.
    pub success: ShelfSettings,
    /// For denials (NXDOMAIN, and names without records of the type) and failures.
    pub denial: ShelfSettings,
    /// For how long a failure (SERVFAIL) is remembered; 0 is not at all.
    pub failure: Duration,
    /// Hands TTLs out as they came, rather than what remains of them.
    pub keep_ttl: bool,
    /// Which answers are asked for again before they run out; without it none is.
    pub prefetch: Option<Prefetch>,
    /// Whether answers are given that have outlived their TTL; without it none is.
    pub stale: Option<Stale>,
}

/// Bounds of one of the two parts of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShelfSettings {
    /// How many answers it has at most.
    pub entries: usize,
    /// How many octets of memory they take at most, about. The default is ours.
    pub bytes: usize,
    /// TTLs above this many seconds are lowered to it.
    pub max_ttl: u32,
    /// TTLs below this many seconds are raised to it.
    pub min_ttl: u32,
    /// Domains of whose names it has none.
    pub disabled: Vec<ZoneName>,
}

/// What makes an answer worth asking for again before it runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefetch {
    /// So many times it has been given,
    pub amount: u32,
    /// never with a longer pause than this in between,
    pub within: Duration,
    /// and of its TTL so many percent remain, or less.
    pub percentage: u8,
}

/// Answers that have outlived their TTL (RFC 8767).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// For how long after that they are given.
    pub up_to: Duration,
    /// Whether somebody is asked first.
    pub refresh: Refresh,
    /// The TTL that they are given with, in seconds.
    pub ttl: u32,
    /// After asking again in vain, or while that goes on, nobody is asked again for so long.
    pub recheck: Duration,
}

/// When an answer that has outlived its TTL is asked for again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refresh {
    /// It is given at once, and asked for behind that.
    #[default]
    Immediate,
    /// It is given when asking has failed.
    Verify {
        /// It is given after so much time too, though asking goes on.
        patience: Option<Duration>,
    },
}

/// The number of answers in each part of CoreDNS's cache.
const ENTRIES: usize = 9984;

/// The largest replies, a thousand of them, or ten thousand of a usual size.
const BYTES: usize = 16 << 20;

impl Default for CacheSettings {
    fn default() -> Self {
        let shelf = |max_ttl| ShelfSettings {
            entries: ENTRIES,
            bytes: BYTES,
            max_ttl,
            min_ttl: 5,
            disabled: Vec::new(),
        };
        Self {
            zones: Vec::new(),
            success: shelf(3600),
            denial: shelf(1800),
            failure: Duration::from_secs(5),
            keep_ttl: false,
            prefetch: None,
            stale: None,
        }
    }
}

impl Default for Prefetch {
    fn default() -> Self {
        Self {
            amount: 1,
            within: Duration::from_secs(60),
            percentage: 10,
        }
    }
}

impl Default for Stale {
    fn default() -> Self {
        Self {
            up_to: Duration::from_secs(3600),
            refresh: Refresh::default(),
            ttl: 0,
            recheck: Duration::from_secs(1),
        }
    }
}

impl ShelfSettings {
    pub(super) fn bounded(&self, ttl: u32) -> u32 {
        ttl.max(self.min_ttl).min(self.max_ttl)
    }
}
