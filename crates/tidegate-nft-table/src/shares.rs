//! Elements that several Services need.

use std::collections::HashMap;

use tidegate_netlink::nftables::Tuple;

use crate::diff::Unit;
use crate::table_set::TableSet;

/// How many Services need each shared element. The kernel has an element once, however many do.
#[derive(Clone, Debug)]
pub(crate) struct Shares<S> {
    counts: HashMap<(S, Tuple), usize>,
}

impl<S: TableSet> Shares<S> {
    /// Nobody needs anything yet.
    pub(crate) fn new() -> Self {
        Self {
            counts: HashMap::new(),
        }
    }

    /// Counts a unit's changes, and leaves out of it what another Service still needs, or has
    /// already.
    pub(crate) fn settle(&mut self, unit: &mut Unit<'_, S>) {
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
    use crate::diff::Placed;
    use tidegate_model::{IpFamily, ServiceKey};
    use tidegate_netlink::nftables::{Datatype, Element, Family, Set};
    use tidegate_plan::PlanKey;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    struct ExternalIps;

    impl TableSet for ExternalIps {
        fn all() -> Vec<Self> {
            vec![Self]
        }

        fn definition(self, _: Family) -> Set {
            Set::of("external-ips", [Datatype::Ipv4Addr])
        }

        fn is_shared(self) -> bool {
            true
        }
    }

    fn elements(hosts: &[u8]) -> Vec<Placed<ExternalIps>> {
        let element = |host: &u8| {
            let key = Tuple::new().address([10, 0, 0, *host].into());
            (ExternalIps, Element::key(key))
        };
        hosts.iter().map(element).collect()
    }

    fn key(name: &str) -> PlanKey {
        PlanKey {
            service: ServiceKey::new("default", name),
            family: IpFamily::V4,
        }
    }

    #[test]
    fn only_what_differs_is_touched() {
        let (key, before, after) = (key("a"), elements(&[1, 2, 3]), elements(&[2, 3, 4]));
        let unit = Unit::between(&key, &before, &after);
        assert_eq!((unit.remove.len(), unit.add.len()), (1, 1));
        assert_eq!(Unit::between(&key, &before, &before).len(), 0);
    }

    #[test]
    fn a_shared_element_stays_until_nobody_needs_it() {
        let (a, b) = (key("a"), key("b"));
        let (nothing, something) = (elements(&[]), elements(&[1]));
        let mut shares = Shares::new();
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
