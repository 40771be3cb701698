//! How what runs on a machine hears that the machine is gone.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The end of a machine, seen by what runs on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    has_come: Arc<AtomicBool>,
}

thread_local! {
    static OF_THIS_MACHINE: RefCell<Ending> = RefCell::default();
}

impl Ending {
    /// The end of the machine whose thread this is; on other threads, one that never comes.
    pub(crate) fn of_this_machine() -> Self {
        OF_THIS_MACHINE.with_borrow(Self::clone)
    }

    /// Makes this the calling thread's machine's.
    pub(crate) fn take_this_machine(&self) {
        OF_THIS_MACHINE.set(self.clone());
    }

    pub(crate) fn has_come(&self) -> bool {
        self.has_come.load(Ordering::Relaxed)
    }

    pub(crate) fn come(&self) {
        self.has_come.store(true, Ordering::Relaxed);
    }
}
