//! What has to be removed and added to get from some elements to others.

use std::cmp::Ordering;

use tidegate_netlink::nftables::Element;
use tidegate_plan::PlanKey;

use crate::table_set::TableSet;

/// An element of a set, and which set that is.
pub type Placed<S> = (S, Element);

/// Puts elements into the order of their sets and keys, each once.
pub fn sort_by_place<S: TableSet>(elements: &mut Vec<Placed<S>>) {
    elements.sort_unstable_by(by_place);
    elements.dedup_by(|one, other| by_place(one, other).is_eq());
}

/// The order of sets and of keys within them, in which lists are compared.
pub(crate) fn by_place<S: TableSet>(
    (set, one): &Placed<S>,
    (other_set, other): &Placed<S>,
) -> Ordering {
    (set, &one.key).cmp(&(other_set, &other.key))
}

/// Changes that must happen together: those of one Service, or some that belong to none.
#[derive(Clone, Debug)]
pub(crate) struct Unit<'a, S> {
    pub(crate) service: Option<&'a PlanKey>,
    pub(crate) remove: Vec<&'a Placed<S>>,
    pub(crate) add: Vec<&'a Placed<S>>,
}

impl<'a, S: TableSet> Unit<'a, S> {
    /// No changes yet.
    pub(crate) fn new(service: Option<&'a PlanKey>) -> Self {
        Self {
            service,
            remove: Vec::new(),
            add: Vec::new(),
        }
    }

    /// How many elements it touches.
    pub(crate) fn len(&self) -> usize {
        self.remove.len() + self.add.len()
    }

    /// The way from a Service's elements to others, both sorted by place.
    pub(crate) fn between(
        service: &'a PlanKey,
        before: &'a [Placed<S>],
        after: &'a [Placed<S>],
    ) -> Self {
        let mut unit = Self::new(Some(service));
        for difference in differences(before.iter(), after.iter()) {
            unit.take(difference);
        }
        unit
    }

    /// Makes a difference one of its changes.
    pub(crate) fn take(&mut self, difference: Difference<'a, S>) {
        self.remove.extend(difference.before());
        self.add.extend(difference.after());
    }
}

/// How one place differs between two sorted lists of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference<'a, S> {
    /// Only the first list has it.
    Gone(&'a Placed<S>),
    /// Only the second list has it.
    New(&'a Placed<S>),
    /// Both have it, leading to different places.
    Changed(&'a Placed<S>, &'a Placed<S>),
}

impl<'a, S> Difference<'a, S> {
    /// What the first list has.
    pub(crate) fn before(&self) -> Option<&'a Placed<S>> {
        match self {
            Self::Gone(before) | Self::Changed(before, _) => Some(before),
            Self::New(_) => None,
        }
    }

    /// What the second list has.
    pub(crate) fn after(&self) -> Option<&'a Placed<S>> {
        match self {
            Self::New(after) | Self::Changed(_, after) => Some(after),
            Self::Gone(_) => None,
        }
    }
}

/// Compares two lists that are sorted by place. Comments don't count.
pub(crate) fn differences<'a, S: TableSet>(
    before: impl Iterator<Item = &'a Placed<S>>,
    after: impl Iterator<Item = &'a Placed<S>>,
) -> impl Iterator<Item = Difference<'a, S>> {
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
