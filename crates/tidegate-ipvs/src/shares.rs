//! Counts what several Services need at once: an external address, a pod behind two Services.

use std::collections::HashMap;
use std::net::IpAddr;

use tidegate_plan::PlanKey;

use crate::content::{Content, Placed};

/// How many Services need each address and each element of a set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares {
    addresses: HashMap<IpAddr, u32>,
    elements: HashMap<Placed, u32>,
}

/// What comes and what goes, once everyone's needs are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference<'a> {
    pub(crate) new_addresses: Vec<(IpAddr, &'a PlanKey)>,
    pub(crate) old_addresses: Vec<IpAddr>,
    pub(crate) new_elements: Vec<(Placed, &'a PlanKey)>,
    pub(crate) old_elements: Vec<Placed>,
}

impl Shares {
    /// Counts what Services need in addition.
    pub(crate) fn add<'a>(
        &mut self,
        key: &'a PlanKey,
        content: &Content,
        difference: &mut Difference<'a>,
    ) {
        for address in &content.addresses {
            if increment(self.addresses.entry(*address).or_default()) {
                difference.new_addresses.push((*address, key));
            }
        }
        for placed in &content.elements {
            if increment(self.elements.entry(*placed).or_default()) {
                difference.new_elements.push((*placed, key));
            }
        }
    }

    /// Counts what a Service needs no longer.
    pub(crate) fn remove(&mut self, content: &Content, difference: &mut Difference<'_>) {
        for address in &content.addresses {
            if decrement(&mut self.addresses, address) {
                difference.old_addresses.push(*address);
            }
        }
        for placed in &content.elements {
            if decrement(&mut self.elements, placed) {
                difference.old_elements.push(*placed);
            }
        }
    }

    /// Whether some Service needs an address.
    pub(crate) fn needs(&self, address: IpAddr) -> bool {
        self.addresses.contains_key(&address)
    }

    /// Everything that somebody needs.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Placed> {
        self.elements.keys()
    }
}

/// Whether this was the first one.
fn increment(count: &mut u32) -> bool {
    *count += 1;
    *count == 1
}

/// Whether this was the last one.
fn decrement<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: &K) -> bool {
    let Some(count) = counts.get_mut(key) else {
        return false;
    };
    *count -= 1;
    let is_last = *count == 0;
    if is_last {
        counts.remove(key);
    }
    is_last
}
