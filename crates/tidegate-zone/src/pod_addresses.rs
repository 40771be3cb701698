//! In which namespaces pods have an address.

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::shards::Shards;

/// The addresses of pods. There must be one writer at a time.
#[derive(Debug)]
pub(crate) struct PodAddresses(Shards<Pod>);

/// An address with the namespaces in which pods have it.
#[derive(Clone, Debug)]
struct Pod {
    address: IpAddr,
    namespaces: SmallVec<[Arc<[u8]>; 1]>,
}

impl Default for PodAddresses {
    fn default() -> Self {
        Self(Shards::new())
    }
}

impl PodAddresses {
    /// The namespace of the pod that has an address, in lower case; none if several have it.
    pub(crate) fn namespace(&self, address: IpAddr) -> Option<Arc<[u8]>> {
        let (hash, part) = self.0.read(&address);
        let pod = part.find(hash, |pod| pod.address == address)?;
        let first = pod.namespaces.first()?;
        let is_one = pod.namespaces.iter().all(|one| one == first);
        is_one.then(|| Arc::clone(first))
    }

    /// Whether a pod of a namespace has an address.
    pub(crate) fn has(&self, namespace: &[u8], address: IpAddr) -> bool {
        let (hash, part) = self.0.read(&address);
        let pod = part.find(hash, |pod| pod.address == address);
        pod.is_some_and(|pod| pod.namespaces.iter().any(|one| **one == *namespace))
    }

    /// Says that a pod in a namespace has an address.
    pub(crate) fn add(&self, namespace: &str, address: IpAddr) {
        let namespace: Arc<[u8]> = namespace.to_ascii_lowercase().into_bytes().into();
        self.0.change(
            &address,
            |pod| &pod.address,
            |hash, part, hasher| match part.find_mut(hash, |pod| pod.address == address) {
                Some(pod) => pod.namespaces.push(namespace),
                None => {
                    let namespaces = SmallVec::from_elem(namespace, 1);
                    let pod = Pod {
                        address,
                        namespaces,
                    };
                    part.insert_unique(hash, pod, hasher);
                }
            },
        );
    }

    /// Says that a pod in a namespace doesn't have an address any more.
    pub(crate) fn remove(&self, namespace: &str, address: IpAddr) {
        let is_it = |one: &Arc<[u8]>| one.eq_ignore_ascii_case(namespace.as_bytes());
        self.0.change(
            &address,
            |pod| &pod.address,
            |hash, part, _| {
                if let Ok(mut found) = part.find_entry(hash, |pod| pod.address == address) {
                    let namespaces = &mut found.get_mut().namespaces;
                    if let Some(at) = namespaces.iter().position(is_it) {
                        namespaces.remove(at);
                    }
                    if namespaces.is_empty() {
                        found.remove();
                    }
                }
            },
        );
    }
}
