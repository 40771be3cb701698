//! Our tables in the kernel: reads them and makes them what they must be.

use std::collections::{BTreeMap, HashMap};

use tidegate_dataplane::{DataplaneError, Outcome};
use tidegate_netlink::nftables::{
    Batch, Chain, CommitError, Family, Nftables, Rule, RuleFound, TableListing, Tuple,
};
use tidegate_plan::PlanKey;

use super::commit::{Unit, append, commit_units};
use super::content::{Content, Placed};
use super::frame::Frame;
use super::sets::SetId;
use crate::error::{of_commit, of_frame, of_socket};

/// How often the table is read again because somebody changed the packet filter meanwhile.
const ATTEMPTS: usize = 10;

/// How many differing elements are told one by one.
const TOLD: usize = 5;

/// Our table of one family.
#[derive(Debug)]
pub(crate) struct Redirects {
    frame: Frame,
    /// Whether the kernel had our table before.
    was_there: bool,
}

/// What the kernel has where our table belongs.
enum Found {
    Nothing,
    /// A table of another shape, or with sets or chains that aren't ours.
    Unusable(String),
    /// Our table; the named chains have other rules than they should.
    Usable(Vec<String>),
}

impl Redirects {
    pub(crate) fn new(frame: Frame, was_there: bool) -> Self {
        Self { frame, was_there }
    }

    pub(crate) fn family(&self) -> Family {
        self.frame.table.family
    }

    /// Makes the kernel's table exactly that of these Services.
    pub(crate) fn reconcile(
        &self,
        kernel: &mut Nftables,
        contents: &BTreeMap<PlanKey, Content>,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        for _ in 0..ATTEMPTS {
            let generation = read(kernel.generation())?;
            let found = self.look(kernel)?;
            let there = match &found {
                Found::Usable(_) => self.read_elements(kernel)?,
                Found::Nothing | Found::Unusable(_) => Vec::new(),
            };
            let mut batch = Batch::since(generation);
            let rules = self.prepare(&mut batch, &found);
            let units = self.differences(&there, contents);
            // What takes the place of a table that works must do so in one piece.
            let in_one_piece = matches!(found, Found::Unusable(_));
            if in_one_piece {
                append(&mut batch, &self.frame, &units);
            }
            match kernel.commit(batch) {
                Ok(()) => {}
                Err(CommitError::Overtaken) => continue,
                Err(error) => return Err(of_frame("writing our table", error)),
            }
            self.tell(&found, &units, &mut outcome.drift);
            outcome.changed += rules;
            if in_one_piece {
                outcome.changed += units.iter().map(Unit::len).sum::<usize>();
                return Ok(());
            }
            return commit_units(kernel, &self.frame, &units, outcome);
        }
        Err(of_commit("writing our table", CommitError::Overtaken))
    }

    /// Brings the table from some Services' former content to their new one.
    pub(crate) fn apply(
        &self,
        kernel: &mut Nftables,
        changes: &[(&PlanKey, Content, Content)],
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let units = changes
            .iter()
            .map(|(key, before, after)| Unit::between(Some(key), &before.elements, &after.elements))
            .filter(|unit| unit.len() > 0);
        commit_units(kernel, &self.frame, &units.collect::<Vec<_>>(), outcome)
    }

    /// Writes what has to be there before elements can be. How many rules that is.
    fn prepare(&self, batch: &mut Batch, found: &Found) -> usize {
        let frame = &self.frame;
        if let Found::Unusable(_) = found {
            batch.delete_table(&frame.table);
        }
        if !matches!(found, Found::Usable(_)) {
            batch.add_table(&frame.table);
            for (_, set) in &frame.sets {
                batch.add_set(&frame.table, set);
            }
            for (chain, _) in &frame.chains {
                batch.add_chain(&frame.table, chain);
            }
        }
        let is_wrong = |chain: &Chain| match found {
            Found::Usable(changed) => changed.contains(&chain.name),
            Found::Nothing | Found::Unusable(_) => true,
        };
        let mut count = 0;
        for (chain, rules) in frame.chains.iter().filter(|(chain, _)| is_wrong(chain)) {
            batch.flush_chain(&frame.table, &chain.name);
            for rule in rules {
                batch.add_rule(&frame.table, &chain.name, rule);
                count += 1;
            }
        }
        count
    }

    /// What has to change, in an order in which it can be done piece by piece: first leftovers and
    /// what the settings say about addresses, then one Service after another, last the ranges in
    /// which unclaimed cluster IPs are dropped.
    fn differences<'a>(
        &'a self,
        there: &'a [Placed],
        contents: &'a BTreeMap<PlanKey, Content>,
    ) -> Vec<Unit<'a>> {
        let mut owners: HashMap<(SetId, &Tuple, Option<&Tuple>), Option<&PlanKey>> = HashMap::new();
        let place = |(set, element): &'a Placed| (*set, &element.key, element.last.as_ref());
        owners.extend(
            self.frame
                .elements
                .iter()
                .map(|placed| (place(placed), None)),
        );
        for (key, content) in contents {
            let elements = content.elements.iter();
            owners.extend(elements.map(|placed| (place(placed), Some(key))));
        }
        let mut there_of: HashMap<Option<&PlanKey>, Vec<&Placed>> = HashMap::new();
        let mut leftovers = Vec::new();
        for placed in there {
            match owners.get(&place(placed)) {
                Some(owner) => there_of.entry(*owner).or_default().push(placed),
                None => leftovers.push(placed),
            }
        }
        let settings = there_of.remove(&None).unwrap_or_default();
        let is_last = |placed: &&Placed| placed.0 == SetId::ServiceRanges;
        let (last_there, first_there): (Vec<_>, Vec<_>) = settings.into_iter().partition(is_last);
        let wanted = self.frame.elements.iter();
        let (last_wanted, first_wanted): (Vec<_>, Vec<_>) = wanted.partition(is_last);
        let mut first = Unit::between(None, first_there, first_wanted);
        first.remove.extend(leftovers);
        let of_services = contents.iter().map(|(key, content)| {
            let before = there_of.remove(&Some(key)).unwrap_or_default();
            Unit::between(Some(key), before, &content.elements)
        });
        let mut units = vec![first];
        units.extend(of_services);
        units.push(Unit::between(None, last_there, last_wanted));
        units.retain(|unit| unit.len() > 0);
        units
    }

    fn tell(&self, found: &Found, units: &[Unit<'_>], drift: &mut Vec<String>) {
        let table = &self.frame.table;
        match found {
            Found::Nothing if self.was_there => drift.push(format!("{table} was gone")),
            Found::Nothing => {}
            Found::Unusable(why) => drift.push(format!("{table} was not usable: {why}")),
            Found::Usable(chains) => {
                for chain in chains {
                    drift.push(format!("{table}: chain {chain} had other rules"));
                }
                let removed = units.iter().flat_map(|unit| &unit.remove);
                let added = units.iter().flat_map(|unit| &unit.add);
                let removed = removed.map(|placed| (placed, "should not be there"));
                let all: Vec<_> = removed
                    .chain(added.map(|placed| (placed, "was missing")))
                    .collect();
                for ((id, element), what) in all.iter().take(TOLD) {
                    if let Some(set) = self.frame.set(*id) {
                        let shown = set.show(element);
                        drift.push(format!("{table}: {} {{ {shown} }} {what}", set.name));
                    }
                }
                if all.len() > TOLD {
                    drift.push(format!("{table}: and {} elements more", all.len() - TOLD));
                }
            }
        }
    }

    fn look(&self, kernel: &mut Nftables) -> Result<Found, DataplaneError> {
        let frame = &self.frame;
        let tables = read(kernel.tables(self.family()))?;
        let Some(there) = tables.iter().find(|there| there.name == frame.table.name) else {
            return Ok(Found::Nothing);
        };
        if there.comment != frame.table.comment {
            return Ok(Found::Unusable("it has another shape".to_owned()));
        }
        let sets = read(kernel.sets(&frame.table))?;
        let chains = read(kernel.chains(&frame.table))?;
        let sets_differ = sets.len() != frame.sets.len()
            || !frame
                .sets
                .iter()
                .all(|(_, set)| sets.iter().any(|found| found.is(set)));
        let chains_differ = chains.len() != frame.chains.len()
            || !frame
                .chains
                .iter()
                .all(|(chain, _)| chains.iter().any(|found| found.is(chain)));
        if sets_differ || chains_differ {
            let why = "it has other sets or chains than it should";
            return Ok(Found::Unusable(why.to_owned()));
        }
        let mut by_chain: BTreeMap<String, Vec<RuleFound>> = BTreeMap::new();
        for rule in read(kernel.rules(&frame.table))? {
            by_chain.entry(rule.chain.clone()).or_default().push(rule);
        }
        let is_changed = |(chain, rules): &&(Chain, Vec<Rule>)| {
            let there = by_chain.get(&chain.name).map_or(&[][..], Vec::as_slice);
            there.len() != rules.len()
                || !there.iter().zip(rules).all(|(found, rule)| found.is(rule))
        };
        let changed = frame.chains.iter().filter(is_changed);
        let names = changed.map(|(chain, _)| chain.name.clone());
        Ok(Found::Usable(names.collect()))
    }

    fn read_elements(&self, kernel: &mut Nftables) -> Result<Vec<Placed>, DataplaneError> {
        let mut all = Vec::new();
        for (id, set) in &self.frame.sets {
            let elements = read(kernel.elements(&self.frame.table, set))?;
            all.extend(elements.into_iter().map(|element| (*id, element)));
        }
        Ok(all)
    }
}

/// A table as `nft list` would print it once loaded.
pub(crate) fn listing<'a>(
    frame: Frame,
    contents: impl IntoIterator<Item = &'a Content>,
) -> TableListing {
    let of_services = contents.into_iter().flat_map(|content| &content.elements);
    let mut all: Vec<&Placed> = frame.elements.iter().chain(of_services).collect();
    all.sort();
    let of_set = |id: SetId| {
        let elements = all.iter().filter(move |(set, _)| *set == id);
        elements.map(|(_, element)| element.clone()).collect()
    };
    TableListing {
        sets: frame
            .sets
            .iter()
            .map(|(id, set)| (set.clone(), of_set(*id)))
            .collect(),
        table: frame.table.clone(),
        chains: frame.chains.clone(),
    }
}

fn read<T>(result: Result<T, tidegate_netlink::SocketError>) -> Result<T, DataplaneError> {
    result.map_err(|error| of_socket("reading our table", error))
}
