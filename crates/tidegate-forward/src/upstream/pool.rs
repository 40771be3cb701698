//! Connections that wait for the next question.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Connection;

/// The idle connections to one server. The one that was used last is used next, so that those that
/// a quieter time doesn't need run out.
pub(crate) struct Pool {
    expire: Duration,
    max_idle: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    connections: Vec<(Connection, Instant)>,
    /// Whether a task waits to close connections that nobody used.
    is_swept: bool,
}

impl Pool {
    /// Keeps connections for `expire`, and at most `max_idle` of them, or any number if that is 0.
    pub(super) fn new(expire: Duration, max_idle: usize) -> Self {
        Self {
            expire,
            max_idle,
            idle: Mutex::default(),
        }
    }

    pub(super) fn take(&self) -> Option<Connection> {
        let (connection, since) = self.idle().connections.pop()?;
        // Those below it are older still; whoever sweeps closes them.
        (since.elapsed() < self.expire).then_some(connection)
    }

    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        if self.max_idle > 0 && idle.connections.len() >= self.max_idle {
            return;
        }
        idle.connections.push((connection, Instant::now()));
        if !std::mem::replace(&mut idle.is_swept, true) {
            let pool = Arc::downgrade(self);
            let expire = self.expire;
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(expire).await;
                    match pool.upgrade() {
                        Some(pool) if pool.sweep() => {}
                        _ => return,
                    }
                }
            });
        }
    }

    /// Closes what nobody used for long; whether anything is left to be swept.
    fn sweep(&self) -> bool {
        let mut idle = self.idle();
        idle.connections
            .retain(|(_, since)| since.elapsed() < self.expire);
        idle.is_swept = !idle.connections.is_empty();
        idle.is_swept
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pool")
            .field("idle", &self.idle().connections.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::Pool;

    #[tokio::test]
    async fn a_connection_is_given_out_once_and_not_after_its_time() {
        for (expire, is_given) in [(Duration::from_secs(1000), true), (Duration::ZERO, false)] {
            let pool = Arc::new(Pool::new(expire, 0));
            let (connection, _other_end) = tokio::io::duplex(1);
            pool.put(Box::new(connection));
            // Nobody has swept the pool yet: that takes another task.
            assert_eq!(pool.take().is_some(), is_given);
            assert!(pool.take().is_none());
        }
    }
}
