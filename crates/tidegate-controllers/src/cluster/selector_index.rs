//! Which selectors match an object: the label index turned around.
//!
//! Every selector is filed under one of its `key=value` requirements, the one that fewest others
//! are filed under. An object is then compared only with selectors filed under its own labels.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use kube::core::{Expression, Selector, SelectorExt};

use super::ObjectKey;
use super::label_index::entry;

/// The selectors of all Services, or of all Deployments, and so on.
#[derive(Debug, Default)]
pub(crate) struct SelectorIndex {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    drawers: HashMap<String, BTreeSet<ObjectKey>>,
    filed: HashMap<ObjectKey, (String, Selector)>,
}

impl SelectorIndex {
    /// Files an object's selector; `None` takes it out.
    pub(crate) fn set(&self, key: &ObjectKey, selector: Option<Selector>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((drawer, known)) = inner.filed.get(key) {
            if Some(known) == selector.as_ref() {
                return;
            }
            let drawer = drawer.clone();
            inner.clear(key, &drawer);
        }
        if let Some(selector) = selector {
            let drawer = inner.best_drawer(&key.namespace, &selector);
            let keys = inner.drawers.entry(drawer.clone()).or_default();
            keys.insert(key.clone());
            inner.filed.insert(key.clone(), (drawer, selector));
        }
    }

    /// The objects of `namespace` whose selector matches these labels.
    pub(crate) fn matching(
        &self,
        namespace: &str,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Vec<ObjectKey> {
        let empty = BTreeMap::new();
        let labels = labels.unwrap_or(&empty);
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let drawers = labels
            .iter()
            .map(|(key, value)| entry(namespace, key, value))
            .chain([unlabelled(namespace)]);
        let candidates = drawers.filter_map(|drawer| inner.drawers.get(&drawer));
        candidates
            .flatten()
            .filter(|key| {
                (inner.filed.get(key)).is_some_and(|(_, selector)| selector.matches(labels))
            })
            .cloned()
            .collect()
    }
}

impl Inner {
    fn best_drawer(&self, namespace: &str, selector: &Selector) -> String {
        let drawers = selector
            .clone()
            .into_iter()
            .filter_map(|expression| match expression {
                Expression::Equal(key, value) => Some(entry(namespace, &key, &value)),
                _ => None,
            });
        drawers
            .min_by_key(|drawer| self.drawers.get(drawer).map_or(0, BTreeSet::len))
            .unwrap_or_else(|| unlabelled(namespace))
    }

    fn clear(&mut self, key: &ObjectKey, drawer: &str) {
        self.filed.remove(key);
        if let Some(keys) = self.drawers.get_mut(drawer) {
            keys.remove(key);
            if keys.is_empty() {
                self.drawers.remove(drawer);
            }
        }
    }
}

/// Where selectors without any equality are filed: every object is compared with them.
fn unlabelled(namespace: &str) -> String {
    format!("{namespace}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn matches(index: &SelectorIndex, pairs: &[(&str, &str)]) -> Vec<String> {
        let found = index.matching("default", Some(&labels(pairs)));
        let mut names: Vec<String> = found.iter().map(|key| key.name.to_string()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_selector_is_found_by_full_match_only() {
        let index = SelectorIndex::default();
        let set = |name: &str, pairs: &[(&str, &str)]| {
            let selector = labels(pairs).into_iter().collect();
            index.set(&ObjectKey::new("default", name), Some(selector));
        };
        set("shop", &[("app", "shop")]);
        set("shop-v2", &[("app", "shop"), ("version", "2")]);
        set("blog", &[("app", "blog")]);
        assert_eq!(matches(&index, &[("app", "shop")]), ["shop"]);
        assert_eq!(
            matches(&index, &[("app", "shop"), ("version", "2")]),
            ["shop", "shop-v2"]
        );
        assert!(
            index
                .matching("other", Some(&labels(&[("app", "shop")])))
                .is_empty()
        );

        set("shop", &[("app", "store")]);
        index.set(&ObjectKey::new("default", "shop-v2"), None);
        assert!(matches(&index, &[("app", "shop"), ("version", "2")]).is_empty());
    }

    #[test]
    fn selectors_without_equalities_are_compared_too() {
        let index = SelectorIndex::default();
        let selector: Selector = Expression::Exists("app".into()).into();
        index.set(&ObjectKey::new("default", "any"), Some(selector));
        assert_eq!(matches(&index, &[("app", "x")]), ["any"]);
        assert!(matches(&index, &[("tier", "x")]).is_empty());
    }
}
