//! Answers that are kept.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::check::{Report, in_range, join};
use crate::duration;
use crate::zone_name::ZoneName;

/// Answers that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Cache {
    /// The zones whose answers are kept; those of the server block where a file has none.
    pub zones: Vec<ZoneName>,
    /// Answers with the records that were asked for.
    pub success: CacheKind,
    /// Answers that there is no such name or that it has no such records.
    #[serde(deserialize_with = "read_denial")]
    pub denial: CacheKind,
    /// Popular answers that are fetched again before they expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefetch: Option<Prefetch>,
    /// Answers that are given although they have expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serve_stale: Option<ServeStale>,
    /// How long SERVFAIL is kept; 5 minutes at most (RFC 2308, 7.1).
    #[serde(with = "duration")]
    pub servfail: Duration,
    /// The zones of whose answers with records none is kept.
    pub disable_success: Vec<ZoneName>,
    /// The zones of whose denials none is kept.
    pub disable_denial: Vec<ZoneName>,
    /// Whether a kept answer is given with the time that it came with, instead of what is left.
    pub keep_ttl: bool,
}

/// How answers of one kind are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct CacheKind {
    /// How many.
    pub capacity: u32,
    /// How long at most, in seconds.
    pub ttl: u32,
    /// How long at least, in seconds; where it is more than `ttl`, that counts.
    pub min_ttl: u32,
}

impl CacheKind {
    /// CoreDNS's default for denials: half an hour.
    fn denial() -> Self {
        Self {
            ttl: 1800,
            ..Self::default()
        }
    }
}

/// Reads how denials are kept: what isn't set has their own defaults.
fn read_denial<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CacheKind, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Given {
        capacity: Option<u32>,
        ttl: Option<u32>,
        min_ttl: Option<u32>,
    }
    let given = Given::deserialize(deserializer)?;
    let default = CacheKind::denial();
    Ok(CacheKind {
        capacity: given.capacity.unwrap_or(default.capacity),
        ttl: given.ttl.unwrap_or(default.ttl),
        min_ttl: given.min_ttl.unwrap_or(default.min_ttl),
    })
}

/// Popular answers that are fetched again before they expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Prefetch {
    /// After how many questions an answer is popular.
    pub amount: u32,
    /// How long the gaps between these questions may be.
    #[serde(with = "duration")]
    pub duration: Duration,
    /// When less than this part of its time is left, in percent: 10 to 90.
    pub percentage: u8,
}

/// Answers that are given although they have expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ServeStale {
    /// How long after they have.
    #[serde(with = "duration")]
    pub duration: Duration,
    /// When a new answer is looked for.
    pub refresh: RefreshMode,
}

/// When a new answer is looked for in place of one that has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefreshMode {
    /// After the old one was given.
    #[default]
    Immediate,
    /// Before; the old one is given only if there is no new one.
    Verify,
}

impl Cache {
    /// The longest time that SERVFAIL may be kept.
    pub const LONGEST_SERVFAIL: Duration = Duration::from_secs(300);

    pub(crate) fn check(&self, report: Report<'_>) {
        for (field, kind) in [("success", &self.success), ("denial", &self.denial)] {
            if kind.ttl == 0 {
                let text = "a TTL of 0 would keep nothing; give 1 or more seconds";
                report(&join(field, "ttl"), text.to_owned());
            }
        }
        if let Some(prefetch) = &self.prefetch {
            if prefetch.amount == 0 {
                let text = "0 questions would fetch nothing; give 1 or more, or leave it out";
                report("prefetch.amount", text.to_owned());
            }
            in_range(
                report,
                "prefetch.percentage",
                prefetch.percentage.into(),
                10..=90,
            );
        }
        if self.servfail > Self::LONGEST_SERVFAIL {
            let given = duration::print(self.servfail);
            report(
                "servfail",
                format!("{given} is longer than SERVFAIL may be kept; give 5m0s or less"),
            );
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            zones: Vec::new(),
            success: CacheKind::default(),
            denial: CacheKind::denial(),
            prefetch: None,
            serve_stale: None,
            servfail: Duration::from_secs(5),
            disable_success: Vec::new(),
            disable_denial: Vec::new(),
            keep_ttl: false,
        }
    }
}

impl Default for CacheKind {
    fn default() -> Self {
        Self {
            capacity: 9984,
            ttl: 3600,
            min_ttl: 5,
        }
    }
}

impl Default for Prefetch {
    fn default() -> Self {
        Self {
            amount: 1,
            duration: Duration::from_secs(60),
            percentage: 10,
        }
    }
}

impl Default for ServeStale {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(3600),
            refresh: RefreshMode::default(),
        }
    }
}
