//! The zone of this moment: kept up to date by one task, read by every query.

use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use tidegate_watch::{Changes, ClusterWatch};

use crate::zone::{self, Answer, Question, ServiceEntry, ZoneIndex, ZoneSettings};

/// The settings and the index that answers come from.
///
/// A plain lock is enough: a reader holds it for the microseconds of one look-up and a writer for
/// the swap of one Service that was made ready outside. Copies of the index behind an atomic
/// pointer would make every change cost what exists.
#[derive(Debug)]
pub(crate) struct LiveZone {
    settings: ZoneSettings,
    index: RwLock<ZoneIndex>,
}

impl LiveZone {
    pub(crate) fn new(settings: ZoneSettings) -> Self {
        Self {
            settings,
            index: RwLock::default(),
        }
    }

    /// Answers a question; `None` if other servers are to be asked.
    pub(crate) fn answer(&self, question: &Question) -> Option<Answer> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        zone::answer(&self.settings, &index, question)
    }

    /// Follows the cluster for ever.
    pub(crate) async fn follow(&self, watch: &ClusterWatch) {
        let mut subscription = watch.subscribe();
        loop {
            let changes = subscription.changed().await;
            self.apply(watch, &changes);
        }
    }

    fn apply(&self, watch: &ClusterWatch, changes: &Changes) {
        if changes.namespaces {
            let names = watch.snapshot().namespaces().map(str::to_owned).collect();
            self.write(|index| index.set_namespaces(names));
        }
        for key in &changes.services {
            let snapshot = watch.snapshot();
            let service = snapshot.service(key).cloned();
            let slices: Vec<_> = snapshot.slices(key).cloned().collect();
            drop(snapshot);
            match service {
                Some(service) => {
                    let entry = ServiceEntry::new(&service, slices.iter().map(AsRef::as_ref));
                    self.write(|index| index.set(entry));
                }
                None => self.write(|index| index.remove(key)),
            }
        }
        let serial = seconds_since_1970();
        self.write(|index| index.publish(serial));
    }

    fn write(&self, work: impl FnOnce(&mut ZoneIndex)) {
        work(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The low 32 bits: serial numbers wrap around (RFC 1982).
fn seconds_since_1970() -> u32 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    (now.as_secs() & u64::from(u32::MAX)) as u32
}
