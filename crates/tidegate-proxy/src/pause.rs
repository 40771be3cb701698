//! Waiting for a time that may never come.

use tokio::time::{Instant, sleep_until};

/// Pending until then, or for ever.
pub(crate) async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
