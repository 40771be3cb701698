//! Which objects of a namespace carry a label.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ObjectKey;

/// Objects by namespace, label key and label value.
#[derive(Debug, Default)]
pub(crate) struct LabelIndex {
    carriers: HashMap<String, BTreeSet<ObjectKey>>,
}

impl LabelIndex {
    /// The objects of `namespace` labelled `key=value`.
    pub(crate) fn names(
        &self,
        namespace: &str,
        key: &str,
        value: &str,
    ) -> Option<&BTreeSet<ObjectKey>> {
        self.carriers.get(&entry(namespace, key, value))
    }

    pub(crate) fn add(&mut self, object: &ObjectKey, labels: Option<&BTreeMap<String, String>>) {
        for (key, value) in labels.into_iter().flatten() {
            let carriers = self.carriers.entry(entry(&object.namespace, key, value));
            carriers.or_default().insert(object.clone());
        }
    }

    pub(crate) fn remove(&mut self, object: &ObjectKey, labels: Option<&BTreeMap<String, String>>) {
        for (key, value) in labels.into_iter().flatten() {
            let entry = entry(&object.namespace, key, value);
            if let Some(carriers) = self.carriers.get_mut(&entry) {
                carriers.remove(object);
                if carriers.is_empty() {
                    self.carriers.remove(&entry);
                }
            }
        }
    }
}

/// One string per pair: neither namespaces nor labels may contain `=` or a line break.
pub(super) fn entry(namespace: &str, key: &str, value: &str) -> String {
    format!("{namespace}\n{key}={value}")
}
