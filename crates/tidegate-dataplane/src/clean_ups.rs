//! What the clean-up of connection tracking did in this process, whichever mode asked for it.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_model::IpFamily;

use crate::Histogram;

/// The modes come and go while the proxy runs, and their counts must not start anew with each.
static CLEAN_UPS: LazyLock<Mutex<CleanUps>> = LazyLock::new(|| {
    Mutex::new(CleanUps {
        durations: Histogram::of_work(),
        deleted_v4: 0,
        deleted_v6: 0,
    })
});

/// What the clean-up of connection tracking did since the process started.
#[derive(Clone, Debug, PartialEq)]
pub struct CleanUps {
    /// How long each look through the connections took, with the deletions.
    pub durations: Histogram,
    deleted_v4: u64,
    deleted_v6: u64,
}

impl CleanUps {
    /// The counts of this moment.
    pub fn so_far() -> Self {
        lock().clone()
    }

    /// How many connections of one family were deleted.
    pub fn deleted(&self, family: IpFamily) -> u64 {
        match family {
            IpFamily::V4 => self.deleted_v4,
            IpFamily::V6 => self.deleted_v6,
        }
    }
}

pub(crate) fn count_pass(took: Duration) {
    lock().durations.observe(took);
}

pub(crate) fn count_deleted(family: IpFamily, connections: usize) {
    let mut all = lock();
    let of_family = match family {
        IpFamily::V4 => &mut all.deleted_v4,
        IpFamily::V6 => &mut all.deleted_v6,
    };
    *of_family += connections as u64;
}

fn lock() -> MutexGuard<'static, CleanUps> {
    CLEAN_UPS.lock().unwrap_or_else(PoisonError::into_inner)
}
