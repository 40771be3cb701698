//! Waiting for something to become true, however slow the machine is.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Longer than anything takes on a loaded machine; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until `look` gives something, and fails with the last reason it gave for nothing.
pub(crate) fn until<T, E: Debug>(what: &str, mut look: impl FnMut() -> Result<T, E>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(reason) if begun.elapsed() > PATIENCE => {
                panic!("{what}: not within {PATIENCE:?}: {reason:?}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
