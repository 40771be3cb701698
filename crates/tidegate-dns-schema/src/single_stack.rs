//! Rows of a cluster with one family, made of those of a cluster with both.

use std::collections::BTreeSet;

use crate::asking::ZONE;
use crate::dual_stack;
use crate::row::Row;

/// The rows without IPv6: those that say nothing of it stay as they are, and the others make way
/// for the ones `instead`.
///
/// # Panics
/// A row has to be replaced and isn't, or replaces none.
pub(crate) fn without_ipv6(rows: Vec<Row>, instead: Vec<Row>) -> Vec<Row> {
    let lost = lost_services();
    let question = |row: &Row| (row.name.clone(), row.kind);
    let (told, mut kept): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| tells_of_ipv6(row) || is_of_lost(row, &lost));
    let asked: BTreeSet<_> = told.iter().map(question).collect();
    let answered: BTreeSet<_> = instead.iter().map(question).collect();
    let unmatched: Vec<_> = asked.symmetric_difference(&answered).collect();
    assert!(
        unmatched.is_empty(),
        "rows that aren't replaced, or replace none: {unmatched:?}"
    );
    kept.extend(instead);
    kept
}

/// Whether an answer has an IPv6 address of the cluster in it, or is about one. Addresses of others
/// are no business of the cluster's.
fn tells_of_ipv6(row: &Row) -> bool {
    let of_cluster = |record: &String| {
        let data = record.split(" aaaa ").nth(1);
        data.is_some_and(|address| address.starts_with("fd00:"))
            || record.contains("ip6.arpa. ") && record.contains(" ptr ")
    };
    row.expected.records.iter().any(of_cluster)
}

/// Whether an answer is that something is there that belongs to a Service without IPv4.
fn is_of_lost(row: &Row, lost: &[String]) -> bool {
    let name = format!(".{}", row.name.to_ascii_lowercase());
    row.expected.code != "NXDOMAIN" && lost.iter().any(|service| name.ends_with(service))
}

/// The domain names of the Services that there are with both families only, with a dot before each.
fn lost_services() -> Vec<String> {
    let all = dual_stack::objects();
    let left = all.clone().without_ipv6().services;
    let names = all
        .services
        .iter()
        .filter(|service| {
            !left
                .iter()
                .any(|other| other["metadata"] == service["metadata"])
        })
        .map(|service| {
            let part = |field: &str| service["metadata"][field].as_str().unwrap_or_default();
            format!(".{}.{}.svc.{ZONE}", part("name"), part("namespace"))
        });
    names.collect()
}
