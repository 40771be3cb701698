//! Compares what is in the kernel with what must be there.

use std::collections::{HashMap, HashSet};

use tidegate_plan::PlanKey;

use crate::canonical::Meaning;
use crate::chains::{FIREWALL, Shared, Table};
use crate::content::OwnChain;
use crate::edit::Edit;
use crate::listing::TableListing;
use crate::program::Program;

/// What has to be done to one table, and why.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Audit<'a> {
    /// The changes: first the frame's chains, then a Service after another, last all that ties them
    /// together and what is to go.
    pub(crate) edits: Vec<Edit<'a>>,
    /// What was wrong, a line each.
    pub(crate) drift: Vec<String>,
}

impl<'a> Audit<'a> {
    /// Compares one table with a program.
    pub(crate) fn of(table: Table, program: &'a Program<'_>, there: &'a TableListing) -> Self {
        let mut audit = Self::default();
        let mut wanted: HashSet<&str> = HashSet::new();
        let fresh = there.chains.is_empty();
        let mut look = |drift: &mut Vec<String>, chain: &'a OwnChain, of: Option<&PlanKey>| {
            wanted.insert(&chain.name);
            let found = there.chains.get(&chain.name);
            let is_right = found.is_some_and(|rules| means(rules, &chain.rules));
            if !is_right && !fresh {
                drift.push(describe(table, &chain.name, of, found.is_some()));
            }
            !is_right
        };
        let mut first = Edit::default();
        for (_, chain) in program.frame.chains.iter().filter(|(of, _)| *of == table) {
            if look(&mut audit.drift, chain, None) {
                first.chains.push(chain);
            }
        }
        let mut services: Vec<Edit<'a>> = Vec::new();
        for (key, content) in &program.services {
            let of_table = content.chains.iter().filter(|_| table == Table::Nat);
            services.push(Edit {
                service: Some(key),
                chains: of_table
                    .filter(|chain| look(&mut audit.drift, chain, Some(key)))
                    .collect(),
                ..Edit::default()
            });
        }
        let (mut middle, mut last) = (Edit::default(), Edit::default());
        let lines = lines_by_chain(program);
        for shared in Shared::ALL.into_iter().filter(|one| one.table() == table) {
            wanted.insert(shared.chain());
            let lines = lines.get(&shared).map_or(&[][..], Vec::as_slice);
            let tail = program.frame.tail(shared);
            let found = there.chains.get(shared.chain());
            if found.is_some_and(|rules| means_in_any_order(rules, lines, tail)) {
                continue;
            }
            if !fresh {
                audit
                    .drift
                    .push(describe(table, shared.chain(), None, found.is_some()));
            }
            middle.flush.push(shared.chain());
            for (owner, line) in lines {
                if let Some(edit) = services.get_mut(*owner) {
                    edit.lines.push((shared.chain(), line));
                }
            }
            last.append
                .extend(tail.iter().map(|rule| (shared.chain(), rule.as_str())));
        }
        audit.check_ways_in(table, program, there, &mut middle, &mut last);
        for name in there.chains.keys().map(String::as_str) {
            if !wanted.contains(name) {
                audit.drift.push(format!(
                    "table {}: chain {name} should not be there",
                    table.name()
                ));
                last.delete.push(name);
            }
        }
        last.delete.sort_unstable();
        let edits = [first]
            .into_iter()
            .chain([middle])
            .chain(services)
            .chain([last]);
        audit.edits = edits.filter(|edit| edit.size() > 0).collect();
        audit.drift.sort_unstable();
        audit
    }

    /// The jumps from built-in chains, and the guard in the chain that is not ours alone.
    fn check_ways_in(
        &mut self,
        table: Table,
        program: &'a Program<'_>,
        there: &'a TableListing,
        middle: &mut Edit<'a>,
        last: &mut Edit<'a>,
    ) {
        let fresh = there.chains.is_empty();
        for jump in program
            .frame
            .jumps
            .iter()
            .filter(|jump| jump.table == table)
        {
            if there.find_other(jump.from, &jump.rule).is_some() {
                continue;
            }
            if !fresh {
                self.drift.push(format!(
                    "table {}: {} had no rule {}",
                    table.name(),
                    jump.from,
                    jump.rule
                ));
            }
            last.insert.push((jump.from, &jump.rule));
        }
        let guard = program
            .frame
            .guard
            .iter()
            .filter(|_| table == Table::Filter);
        for guard in guard {
            if !there.has_firewall {
                middle.flush.push(FIREWALL);
            }
            if there.find_other(FIREWALL, guard).is_none() {
                if !fresh {
                    self.drift.push(format!(
                        "table filter: chain {FIREWALL} did not guard 127.0.0.0/8"
                    ));
                }
                last.append.push((FIREWALL, guard));
            }
        }
    }
}

/// Every Service's lines, by the chain that they are in, each with the number of its Service.
fn lines_by_chain<'a>(program: &'a Program<'_>) -> HashMap<Shared, Vec<(usize, &'a str)>> {
    let mut by_chain: HashMap<Shared, Vec<(usize, &str)>> = HashMap::new();
    for (owner, (_, content)) in program.services.iter().enumerate() {
        for (shared, line) in &content.lines {
            by_chain.entry(*shared).or_default().push((owner, line));
        }
    }
    by_chain
}

fn means(found: &[Meaning], rules: &[String]) -> bool {
    let wanted = rules.iter().map(|rule| Meaning::of(rule));
    found.len() == rules.len() && wanted.eq(found.iter().copied())
}

/// Whether the rules are these lines in any order, and then this tail.
fn means_in_any_order(found: &[Meaning], lines: &[(usize, &str)], tail: &[String]) -> bool {
    if found.len() != lines.len() + tail.len() {
        return false;
    }
    let (head, end) = found.split_at(lines.len());
    let mut head = head.to_vec();
    let mut wanted: Vec<Meaning> = lines.iter().map(|(_, line)| Meaning::of(line)).collect();
    head.sort_unstable();
    wanted.sort_unstable();
    head == wanted && means(end, tail)
}

fn describe(table: Table, chain: &str, of: Option<&PlanKey>, is_there: bool) -> String {
    let of = of
        .map(|key| format!(" of {}", key.service))
        .unwrap_or_default();
    let what = match is_there {
        true => "had other rules",
        false => "was missing",
    };
    format!("table {}: chain {chain}{of} {what}", table.name())
}
