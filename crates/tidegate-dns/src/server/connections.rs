//! How many TCP connections there may be, and which makes way for a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The connections of all listeners.
///
/// Clients that open connections and say nothing would otherwise keep all others out until their
/// time is over; so the one that has been silent the longest is closed for a new one.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    heard: Instant,
    end: CancellationToken,
}

/// One connection's place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
    /// Cancelled when the connection has to make way.
    pub(super) end: CancellationToken,
}

impl Connections {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most: most.max(1),
            open: Mutex::default(),
        })
    }

    /// A place for a new connection, and whether another one had to make way for it.
    pub(super) fn enter(self: &Arc<Self>) -> (Place, bool) {
        let end = CancellationToken::new();
        let mut open = self.lock();
        let is_full = open.all.len() >= self.most;
        if is_full {
            let oldest = open.all.iter().min_by_key(|(_, known)| known.heard);
            if let Some(number) = oldest.map(|(number, _)| *number)
                && let Some(known) = open.all.remove(&number)
            {
                known.end.cancel();
            }
        }
        let number = open.next;
        open.next += 1;
        let known = Known {
            heard: Instant::now(),
            end: end.clone(),
        };
        open.all.insert(number, known);
        drop(open);
        let connections = Arc::clone(self);
        let place = Place {
            connections,
            number,
            end,
        };
        (place, is_full)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notes that the client has said something whole.
    pub(super) fn heard(&self) {
        if let Some(known) = self.connections.lock().all.get_mut(&self.number) {
            known.heard = Instant::now();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().all.remove(&self.number);
    }
}
