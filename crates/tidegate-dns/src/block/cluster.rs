//! The names of the cluster.

use std::sync::Arc;

use tidegate_dns_wire::{Query, Reply};
use tidegate_zone::{Outcome, ZoneIndex, ZoneSettings};

/// The cluster's names as one server block has them.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) settings: ZoneSettings,
    pub(crate) index: Arc<ZoneIndex>,
}

impl Cluster {
    #[inline]
    pub(crate) fn answer(&self, query: &Query<'_>, turn: usize, reply: &mut Reply<'_>) -> Outcome {
        tidegate_zone::answer(&self.settings, &self.index, query, turn, reply)
    }
}
