//! Counts what is done, for the metrics page.

use std::collections::BTreeMap;

use tidegate_dataplane::Gauge;
use tidegate_model::IpFamily;

use crate::chains::Table;

/// The figures of one IP family, by upstream's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    rules: BTreeMap<Table, usize>,
    last: BTreeMap<Table, usize>,
    failures: u64,
    partial_failures: u64,
    is_partial: bool,
}

impl Tally {
    /// Begins a new call; a partial one changes only some Services.
    pub(crate) fn begin(&mut self, is_partial: bool) {
        self.last.clear();
        self.is_partial = is_partial;
    }

    /// Takes note that rules were written.
    pub(crate) fn written(&mut self, table: Table, rules: usize) {
        *self.last.entry(table).or_default() += rules;
    }

    /// Takes note that a text was not taken.
    pub(crate) fn failed(&mut self) {
        match self.is_partial {
            true => self.partial_failures += 1,
            false => self.failures += 1,
        }
    }

    /// Takes note of how many rules there are in a table.
    pub(crate) fn set_rules(&mut self, table: Table, rules: usize) {
        self.rules.insert(table, rules);
    }

    /// Takes note that a Service has another number of rules in a table.
    pub(crate) fn replace_rules(&mut self, table: Table, before: usize, after: usize) {
        let rules = self.rules.entry(table).or_default();
        *rules = (*rules + after).saturating_sub(before);
    }

    /// The figures.
    pub(crate) fn gauges(&self, family: IpFamily) -> Vec<Gauge> {
        let gauge = |name, help, table: Option<Table>, value: f64, counter| Gauge {
            name,
            help,
            labels: [("ip_family", family.to_string())]
                .into_iter()
                .chain(table.map(|table| ("table", table.name().to_owned())))
                .collect(),
            value,
            counter,
        };
        let mut gauges = vec![
            gauge(
                "sync_proxy_rules_iptables_restore_failures_total",
                "How often iptables-restore refused a text.",
                None,
                as_number(self.failures),
                true,
            ),
            gauge(
                "sync_proxy_rules_iptables_partial_restore_failures_total",
                "How often iptables-restore refused a text that changes only some Services.",
                None,
                as_number(self.partial_failures),
                true,
            ),
        ];
        for table in [Table::Filter, Table::Nat] {
            let of = |figures: &BTreeMap<Table, usize>| {
                let figure = figures.get(&table).copied().unwrap_or_default();
                as_number(u64::try_from(figure).unwrap_or(u64::MAX))
            };
            gauges.push(gauge(
                "sync_proxy_rules_iptables_total",
                "How many rules of ours there are in a table.",
                Some(table),
                of(&self.rules),
                false,
            ));
            gauges.push(gauge(
                "sync_proxy_rules_iptables_last",
                "How many rules the last change wrote into a table.",
                Some(table),
                of(&self.last),
                false,
            ));
        }
        gauges
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn as_number(count: u64) -> f64 {
    count as f64
}
