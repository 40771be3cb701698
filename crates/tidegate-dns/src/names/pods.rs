//! The addresses of pods, for names that need them.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_watch::PodListener;
use tidegate_zone::ZoneIndex;
use tokio::sync::Notify;

/// Puts the addresses of pods into an index.
#[derive(Debug)]
pub(super) struct PodsOf {
    index: Arc<ZoneIndex>,
    is_synced: AtomicBool,
    /// Told when the first list is complete.
    news: Arc<Notify>,
}

impl PodsOf {
    pub(super) fn new(index: Arc<ZoneIndex>, news: Arc<Notify>) -> Self {
        Self {
            index,
            is_synced: AtomicBool::new(false),
            news,
        }
    }

    /// Whether the first list is complete.
    pub(super) fn is_synced(&self) -> bool {
        self.is_synced.load(Ordering::Acquire)
    }
}

impl PodListener for PodsOf {
    fn has(&self, namespace: &str, address: IpAddr) {
        self.index.add_pod(namespace, address);
    }

    fn lost(&self, namespace: &str, address: IpAddr) {
        self.index.remove_pod(namespace, address);
    }

    fn synced(&self) {
        self.is_synced.store(true, Ordering::Release);
        self.news.notify_one();
    }
}
