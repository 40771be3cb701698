//! What a table must be.

use tidegate_netlink::nftables::{Chain, Rule, TableListing};
use tidegate_plan::PlanKey;

use crate::diff::{Placed, Unit, by_place};
use crate::frame::Frame;
use crate::shares::Shares;
use crate::table_set::TableSet;

/// What the kernel must have in one family.
#[derive(Clone, Debug)]
pub struct Wanted<'a, S> {
    /// What doesn't depend on Services.
    pub frame: Frame<S>,
    /// Chains that come and go with Services, with their rules.
    pub chains: Vec<(Chain, Vec<Rule>)>,
    /// The elements of each Service, sorted by place, in the order of the Services' names.
    pub services: Vec<(&'a PlanKey, &'a [Placed<S>])>,
}

impl<S: TableSet> Wanted<'_, S> {
    /// The whole table as `nft list` would print it once loaded. Of elements that several Services
    /// need, the first one is printed.
    pub fn listing(&self) -> TableListing {
        let frame = &self.frame;
        let of_services = self.services.iter().flat_map(|(_, elements)| *elements);
        let mut all: Vec<&Placed<S>> = frame.elements.iter().chain(of_services).collect();
        all.sort_by(|one, other| by_place(one, other));
        all.dedup_by(|one, other| by_place(one, other).is_eq());
        let of_set = |id: S| {
            let elements = all.iter().filter(move |(set, _)| *set == id);
            elements.map(|(_, element)| element.clone()).collect()
        };
        let sets = frame.sets.iter();
        TableListing {
            table: frame.table.clone(),
            sets: sets.map(|(id, set)| (set.clone(), of_set(*id))).collect(),
            chains: self.all_chains().cloned().collect(),
        }
    }

    /// All chains with their rules, those that are always there first.
    pub(crate) fn all_chains(&self) -> impl Iterator<Item = &(Chain, Vec<Rule>)> {
        self.frame.chains.iter().chain(&self.chains)
    }

    /// What a table without elements needs, in an order in which it can be done piece by piece:
    /// first what the settings say, then one Service after another, then what comes last.
    pub(crate) fn units(&self, shares: &mut Shares<S>) -> Vec<Unit<'_, S>> {
        let settings = |is_last: bool| {
            let all = self.frame.elements.iter();
            let mut unit = Unit::new(None);
            unit.add = all.filter(|(set, _)| set.comes_last() == is_last).collect();
            unit
        };
        let services = self.services.iter().map(|(key, elements)| {
            let mut unit = Unit::new(Some(key));
            unit.add = elements.iter().collect();
            shares.settle(&mut unit);
            unit
        });
        let mut units = vec![settings(false)];
        units.extend(services);
        units.push(settings(true));
        units
    }
}
