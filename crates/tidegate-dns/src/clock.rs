//! The time of day.

use std::time::SystemTime;

/// Seconds since 1970; 0 for a clock that is set to before that.
pub(crate) fn seconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
