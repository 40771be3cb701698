//! A backend as the threads share it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// A backend of one service port, with what is known about it at run time.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) addr: SocketAddr,
    /// Connections and sessions that use it now.
    open: AtomicUsize,
    /// Whether the plan has it no longer.
    gone: AtomicBool,
    /// Until when it is chosen only if there is nothing better, in milliseconds of the port's clock.
    avoided_until: AtomicU64,
}

impl Backend {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            open: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
            avoided_until: AtomicU64::new(0),
        }
    }

    /// How many connections and sessions use it now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes note that the plan has it no longer.
    pub(crate) fn retire(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Has it avoided until a moment of the port's clock.
    pub(crate) fn avoid_until(&self, moment: u64) {
        self.avoided_until.store(moment, Ordering::Relaxed);
    }

    /// Whether it is to be avoided at a moment of the port's clock.
    pub(crate) fn is_avoided(&self, moment: u64) -> bool {
        moment < self.avoided_until.load(Ordering::Relaxed)
    }
}

/// A backend that a connection uses, for as long as this lives.
#[derive(Debug)]
pub(crate) struct InUse(Arc<Backend>);

impl InUse {
    pub(crate) fn new(backend: &Arc<Backend>) -> Self {
        backend.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(backend))
    }

    /// Where it is.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.addr
    }

    /// Whether the plan has it no longer.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.gone.load(Ordering::Relaxed)
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
