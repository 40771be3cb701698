//! The way from outside to the containers that run now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::runtime::container::Container;

/// A pod's running containers by name. The pod's worker keeps it up to date.
#[derive(Debug, Default)]
pub(crate) struct RunningContainers {
    by_name: Mutex<HashMap<String, Arc<Container>>>,
}

impl RunningContainers {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Container>> {
        self.lock().get(name).cloned()
    }

    pub(super) fn started(&self, name: &str, container: &Arc<Container>) {
        self.lock().insert(name.to_owned(), Arc::clone(container));
    }

    pub(super) fn ended(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Container>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
