//! Changes of one table, and the text that makes `iptables-restore` do them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tidegate_plan::PlanKey;

use crate::chains::Table;
use crate::content::OwnChain;

/// A change of one table on behalf of one Service, or of none.
///
/// What it names is done in the order of its fields, for all edits of a text together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit<'a> {
    /// Whose it is.
    pub(crate) service: Option<&'a PlanKey>,
    /// Chains to create, or to empty.
    pub(crate) flush: Vec<&'a str>,
    /// Chains to create, or to empty, and to fill.
    pub(crate) chains: Vec<&'a OwnChain>,
    /// Rules to delete: the chain, and the rule.
    pub(crate) remove: Vec<(&'a str, &'a str)>,
    /// Rules to add where their place among the Services' lines doesn't matter.
    pub(crate) lines: Vec<(&'a str, &'a str)>,
    /// Rules to put at the end of a chain.
    pub(crate) append: Vec<(&'a str, &'a str)>,
    /// Rules to put at the beginning of a chain.
    pub(crate) insert: Vec<(&'a str, &'a str)>,
    /// Chains to delete.
    pub(crate) delete: Vec<&'a str>,
}

/// What `iptables-restore` reads, with the edit that each part of it comes from.
pub(crate) struct Text {
    /// The text, for one table.
    pub(crate) text: String,
    /// How many rules it writes.
    pub(crate) rules: usize,
    /// The lines so far.
    lines: usize,
    /// The number of the first line of each part, and the edit that it comes from.
    parts: Vec<(usize, usize)>,
}

impl Edit<'_> {
    /// Roughly how many lines of text it makes.
    pub(crate) fn size(&self) -> usize {
        let chains = self.chains.iter().map(|chain| chain.rules.len() + 1);
        chains.sum::<usize>()
            + self.flush.len()
            + self.remove.len()
            + self.lines.len()
            + self.append.len()
            + self.insert.len()
            + 2 * self.delete.len()
    }
}

impl Text {
    /// The text of edits of a table, which is one transaction.
    ///
    /// A rule whose place doesn't matter goes to the end of a chain that this text writes anew, and
    /// otherwise to the beginning of the chain, before what must stay the last there.
    pub(crate) fn of(table: Table, edits: &[Edit<'_>]) -> Self {
        let mut text = Self {
            text: String::new(),
            rules: 0,
            lines: 0,
            parts: Vec::new(),
        };
        let emptied: BTreeSet<&str> = edits
            .iter()
            .flat_map(|edit| edit.flush.iter().copied())
            .collect();
        text.line(format_args!("*{}", table.name()));
        text.each(edits, |text, edit| {
            let chains = edit.chains.iter().map(|chain| chain.name.as_str());
            let deleted = edit.delete.iter().copied();
            for chain in edit.flush.iter().copied().chain(chains).chain(deleted) {
                text.line(format_args!(":{chain} - [0:0]"));
            }
        });
        text.each(edits, |text, edit| {
            for (chain, rule) in &edit.remove {
                text.line(format_args!("-D {chain} {rule}"));
            }
        });
        text.each(edits, |text, edit| {
            for (chain, rule) in &edit.lines {
                match emptied.contains(chain) {
                    true => text.rule("-A", chain, rule),
                    false => text.rule("-I", chain, rule),
                }
            }
            for chain in &edit.chains {
                for rule in &chain.rules {
                    text.rule("-A", &chain.name, rule);
                }
            }
            for (chain, rule) in &edit.append {
                text.rule("-A", chain, rule);
            }
        });
        text.each(edits, |text, edit| {
            for (chain, rule) in &edit.insert {
                text.rule("-I", chain, rule);
            }
        });
        text.each(edits, |text, edit| {
            for chain in &edit.delete {
                text.line(format_args!("-X {chain}"));
            }
        });
        text.line(format_args!("COMMIT"));
        text
    }

    /// Which edit a line comes from, counted from 1 as `iptables-restore` does.
    pub(crate) fn edit_of_line(&self, line: usize) -> Option<usize> {
        let behind = self.parts.partition_point(|(first, _)| *first <= line);
        let (_, edit) = self.parts.get(behind.checked_sub(1)?)?;
        (line < self.lines).then_some(*edit)
    }

    /// A line, counted from 1.
    pub(crate) fn line_at(&self, line: usize) -> Option<&str> {
        self.text.lines().nth(line.checked_sub(1)?)
    }

    fn each(&mut self, edits: &[Edit<'_>], write: impl Fn(&mut Self, &Edit<'_>)) {
        for (number, edit) in edits.iter().enumerate() {
            let first = self.lines + 1;
            write(self, edit);
            if self.lines >= first {
                self.parts.push((first, number));
            }
        }
    }

    fn rule(&mut self, verb: &str, chain: &str, rule: &str) {
        self.rules += 1;
        self.line(format_args!("{verb} {chain} {rule}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "{line}");
        self.lines += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_does_things_in_an_order_in_which_they_can_be_done() {
        let own = OwnChain {
            name: "KUBE-SVC-A".to_owned(),
            rules: vec!["-j KUBE-SEP-A".to_owned()],
        };
        let frame = Edit {
            flush: vec!["KUBE-NODEPORTS"],
            append: vec![("KUBE-NODEPORTS", "-j RETURN")],
            insert: vec![("PREROUTING", "-j KUBE-SERVICES")],
            ..Edit::default()
        };
        let service = Edit {
            chains: vec![&own],
            remove: vec![("KUBE-SERVICES", "-j KUBE-SVC-B")],
            lines: vec![
                ("KUBE-SERVICES", "-j KUBE-SVC-A"),
                ("KUBE-NODEPORTS", "-j KUBE-EXT-A"),
            ],
            delete: vec!["KUBE-SVC-B"],
            ..Edit::default()
        };
        let text = Text::of(Table::Nat, &[service, frame]);
        insta::assert_snapshot!(text.text, @r"
        *nat
        :KUBE-SVC-A - [0:0]
        :KUBE-SVC-B - [0:0]
        :KUBE-NODEPORTS - [0:0]
        -D KUBE-SERVICES -j KUBE-SVC-B
        -I KUBE-SERVICES -j KUBE-SVC-A
        -A KUBE-NODEPORTS -j KUBE-EXT-A
        -A KUBE-SVC-A -j KUBE-SEP-A
        -A KUBE-NODEPORTS -j RETURN
        -I PREROUTING -j KUBE-SERVICES
        -X KUBE-SVC-B
        COMMIT
        ");
        let owners: Vec<Option<usize>> = (0..=13).map(|line| text.edit_of_line(line)).collect();
        let (none, service, frame) = (None, Some(0), Some(1));
        assert_eq!(
            owners,
            [
                none, none, service, service, frame, service, service, service, service, frame,
                frame, service, none, none
            ]
        );
        assert_eq!(text.line_at(5), Some("-D KUBE-SERVICES -j KUBE-SVC-B"));
        assert_eq!(text.rules, 5);
    }
}
