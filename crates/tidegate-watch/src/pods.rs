//! The addresses of pods, which are watched only if somebody wants to know them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Namespace and name of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodKey {
    /// The namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
}

/// Hears which addresses pods have.
pub trait PodListener: Send + Sync {
    /// A pod of a namespace has an address.
    fn has(&self, namespace: &str, address: IpAddr);

    /// It doesn't have it any more.
    fn lost(&self, namespace: &str, address: IpAddr);

    /// Everything has been told that there was at the start.
    fn synced(&self);
}

/// The addresses of all pods, and who hears of them.
#[derive(Default)]
pub(crate) struct Pods(Mutex<Known>);

#[derive(Default)]
struct Known {
    addresses: BTreeMap<PodKey, Vec<IpAddr>>,
    listeners: Vec<Weak<dyn PodListener>>,
    is_synced: bool,
    is_wanted: bool,
}

impl std::fmt::Debug for Pods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pods").finish_non_exhaustive()
    }
}

impl Pods {
    /// Tells a listener everything, and then whatever changes, for as long as it lives. Says whether
    /// it is the first that ever wanted to know.
    pub(crate) fn tell(&self, listener: &Arc<dyn PodListener>) -> bool {
        let mut known = self.lock();
        for (key, addresses) in &known.addresses {
            for address in addresses {
                listener.has(&key.namespace, *address);
            }
        }
        if known.is_synced {
            listener.synced();
        }
        known.listeners.push(Arc::downgrade(listener));
        !std::mem::replace(&mut known.is_wanted, true)
    }

    /// The pods that have addresses.
    pub(crate) fn keys(&self) -> Vec<PodKey> {
        self.lock().addresses.keys().cloned().collect()
    }

    /// Says which addresses a pod has now; none if it has gone.
    pub(crate) fn set(&self, key: PodKey, addresses: Vec<IpAddr>) {
        let mut known = self.lock();
        let old = match addresses.is_empty() {
            true => known.addresses.remove(&key),
            false => known.addresses.insert(key.clone(), addresses.clone()),
        };
        let old = old.unwrap_or_default();
        for listener in known.alive() {
            for address in addresses.iter().filter(|address| !old.contains(address)) {
                listener.has(&key.namespace, *address);
            }
            for address in old.iter().filter(|address| !addresses.contains(address)) {
                listener.lost(&key.namespace, *address);
            }
        }
    }

    /// Says that everything is in that there was at the start.
    pub(crate) fn set_synced(&self) {
        let mut known = self.lock();
        known.is_synced = true;
        for listener in known.alive() {
            listener.synced();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn alive(&mut self) -> Vec<Arc<dyn PodListener>> {
        self.listeners
            .retain(|listener| listener.strong_count() > 0);
        self.listeners.iter().filter_map(Weak::upgrade).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Notes {
        fn note(&self, text: String) {
            self.0.lock().expect("nobody panics").push(text);
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock().expect("nobody panics"))
        }
    }

    impl PodListener for Notes {
        fn has(&self, namespace: &str, address: IpAddr) {
            self.note(format!("+{namespace} {address}"));
        }

        fn lost(&self, namespace: &str, address: IpAddr) {
            self.note(format!("-{namespace} {address}"));
        }

        fn synced(&self) {
            self.note("synced".to_owned());
        }
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts
            .iter()
            .map(|text| text.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn a_late_listener_hears_everything_and_then_what_changes() {
        let pods = Pods::default();
        let key = PodKey {
            namespace: "default".to_owned(),
            name: "web".to_owned(),
        };
        pods.set(key.clone(), addresses(&["10.1.0.1"]));
        pods.set_synced();
        let notes = Arc::new(Notes::default());
        let listener: Arc<dyn PodListener> = notes.clone();
        assert!(pods.tell(&listener) && !pods.tell(&listener));
        assert_eq!(notes.take()[..2], ["+default 10.1.0.1", "synced"]);
        drop(listener);
        pods.set(key.clone(), addresses(&["10.1.0.2", "fd00::2"]));
        let told = notes.take();
        assert_eq!(
            told[..3],
            ["+default 10.1.0.2", "+default fd00::2", "-default 10.1.0.1"]
        );
        pods.set(key, Vec::new());
        assert_eq!(notes.take()[..2], ["-default 10.1.0.2", "-default fd00::2"]);
    }
}
