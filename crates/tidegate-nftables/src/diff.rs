//! What has to be removed and added to get from one content to another.

use std::cmp::Ordering;
use std::collections::HashMap;

use tidegate_netlink::nftables::{Element, Tuple};
use tidegate_plan::PlanKey;

use crate::content::Content;
use crate::sets::SetId;

/// Changes that must happen together: those of one Service, or some that belong to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    pub(crate) service: Option<&'a PlanKey>,
    pub(crate) remove: Vec<&'a Placed>,
    pub(crate) add: Vec<&'a Placed>,
}

impl<'a> Unit<'a> {
    /// How many elements it touches.
    pub(crate) fn len(&self) -> usize {
        self.remove.len() + self.add.len()
    }

    /// The way from one content of a Service to another.
    pub(crate) fn between(service: &'a PlanKey, before: &'a Content, after: &'a Content) -> Self {
        let mut unit = Self {
            service: Some(service),
            ..Self::default()
        };
        for difference in differences(before.elements.iter(), after.elements.iter()) {
            unit.remove.extend(difference.before());
            unit.add.extend(difference.after());
        }
        unit
    }
}

/// An element of a set, and which set that is.
pub(crate) type Placed = (SetId, Element);

/// How one place differs between two sorted lists of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference<'a> {
    /// Only the first list has it.
    Gone(&'a Placed),
    /// Only the second list has it.
    New(&'a Placed),
    /// Both have it, leading to different places.
    Changed(&'a Placed, &'a Placed),
}

impl<'a> Difference<'a> {
    /// What the first list has.
    pub(crate) fn before(self) -> Option<&'a Placed> {
        match self {
            Self::Gone(before) | Self::Changed(before, _) => Some(before),
            Self::New(_) => None,
        }
    }

    /// What the second list has.
    pub(crate) fn after(self) -> Option<&'a Placed> {
        match self {
            Self::New(after) | Self::Changed(_, after) => Some(after),
            Self::Gone(_) => None,
        }
    }
}

/// The order of sets and of keys within them, in which lists are compared.
pub(crate) fn by_place((set, one): &Placed, (other_set, other): &Placed) -> Ordering {
    (set, &one.key).cmp(&(other_set, &other.key))
}

/// Compares two lists that are sorted by place. Comments don't count.
pub(crate) fn differences<'a>(
    before: impl Iterator<Item = &'a Placed>,
    after: impl Iterator<Item = &'a Placed>,
) -> impl Iterator<Item = Difference<'a>> {
    let (mut before, mut after) = (before.peekable(), after.peekable());
    std::iter::from_fn(move || {
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => by_place(one, other),
            };
            match order {
                Ordering::Less => return before.next().map(Difference::Gone),
                Ordering::Greater => return after.next().map(Difference::New),
                Ordering::Equal => {
                    let (old, new) = before.next().zip(after.next())?;
                    if (&old.1.last, &old.1.data) != (&new.1.last, &new.1.data) {
                        return Some(Difference::Changed(old, new));
                    }
                }
            }
        }
    })
}

/// How many Services need each shared element. The kernel has an element once, however many do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares {
    counts: HashMap<(SetId, Tuple), usize>,
}

impl Shares {
    /// Counts a unit's changes, and leaves out of it what another Service still needs, or has
    /// already.
    pub(crate) fn settle(&mut self, unit: &mut Unit<'_>) {
        unit.remove.retain(|(set, element)| {
            if !set.is_shared() {
                return true;
            }
            let place = (*set, element.key.clone());
            let left = self
                .counts
                .get(&place)
                .map_or(0, |count| count.saturating_sub(1));
            match left {
                0 => self.counts.remove(&place),
                left => self.counts.insert(place, left),
            };
            left == 0
        });
        unit.add.retain(|(set, element)| {
            if !set.is_shared() {
                return true;
            }
            let count = self.counts.entry((*set, element.key.clone())).or_default();
            *count += 1;
            *count == 1
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_model::{IpFamily, ServiceKey};

    fn content(hosts: &[u8]) -> Content {
        let mut elements: Vec<Placed> = hosts
            .iter()
            .map(|host| {
                let key = Tuple::new().address([10, 0, 0, *host].into());
                (SetId::ExternalIps, Element::key(key))
            })
            .collect();
        elements.sort_by_key(|(set, element)| (*set, element.key.clone()));
        Content {
            elements,
            ..Content::default()
        }
    }

    fn key(name: &str) -> PlanKey {
        PlanKey {
            service: ServiceKey::new("default", name),
            family: IpFamily::V4,
        }
    }

    #[test]
    fn only_what_differs_is_touched() {
        let (key, before, after) = (key("a"), content(&[1, 2, 3]), content(&[2, 3, 4]));
        let unit = Unit::between(&key, &before, &after);
        assert_eq!((unit.remove.len(), unit.add.len()), (1, 1));
        assert_eq!(Unit::between(&key, &before, &before).len(), 0);
    }

    #[test]
    fn a_shared_element_stays_until_nobody_needs_it() {
        let (a, b) = (key("a"), key("b"));
        let (nothing, something) = (content(&[]), content(&[1]));
        let mut shares = Shares::default();
        let mut settled = |key, before, after| {
            let mut unit = Unit::between(key, before, after);
            shares.settle(&mut unit);
            unit.len()
        };
        assert_eq!(settled(&a, &nothing, &something), 1);
        assert_eq!(settled(&b, &nothing, &something), 0, "it is there already");
        assert_eq!(settled(&a, &something, &nothing), 0, "b needs it");
        assert_eq!(settled(&b, &something, &nothing), 1);
    }
}
