//! The difference between two contents of one Service.

use std::collections::{HashMap, HashSet};

use tidegate_plan::PlanKey;

use crate::chains::Table;
use crate::content::{Content, OwnChain};
use crate::edit::Edit;

/// What has to be done to a table when a Service changes.
pub(crate) fn edit<'a>(
    table: Table,
    key: &'a PlanKey,
    before: &'a Content,
    after: &'a Content,
) -> Edit<'a> {
    let mut edit = Edit {
        service: Some(key),
        remove: lines_without(table, before, after),
        lines: lines_without(table, after, before),
        ..Edit::default()
    };
    if table == Table::Nat {
        let old: HashMap<&str, &OwnChain> = by_name(before);
        let new: HashMap<&str, &OwnChain> = by_name(after);
        let chains = after.chains.iter();
        edit.chains = chains
            .filter(|chain| old.get(chain.name.as_str()) != Some(chain))
            .collect();
        let gone = before.chains.iter().map(|chain| chain.name.as_str());
        edit.delete = gone.filter(|name| !new.contains_key(name)).collect();
    }
    edit
}

fn by_name(content: &Content) -> HashMap<&str, &OwnChain> {
    let chains = content.chains.iter();
    chains.map(|chain| (chain.name.as_str(), chain)).collect()
}

/// The lines of one content that the other doesn't have.
fn lines_without<'a>(table: Table, these: &'a Content, those: &Content) -> Vec<(&'a str, &'a str)> {
    let those: HashSet<_> = those.lines.iter().collect();
    let only_here = these.lines.iter().filter(|line| !those.contains(line));
    only_here
        .filter(|(shared, _)| shared.table() == table)
        .map(|(shared, line)| (shared.chain(), line.as_str()))
        .collect()
}
