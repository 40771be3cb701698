//! The host's `iptables-restore` and `iptables-save`, which write and read our few rules.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tidegate_dataplane::DataplaneError;
use tidegate_model::IpFamily;

use crate::error::{failed, missing};
use crate::rules::{OURS, Table};

/// How many seconds a program waits while another one holds the lock of iptables.
const LOCK_SECONDS: &str = "5";

/// The programs of one family.
#[derive(Clone, Debug)]
pub(crate) struct Iptables {
    save: PathBuf,
    restore: PathBuf,
}

/// Our rules as the kernel has them: table, chain and rule in the words of `iptables-save`, in
/// order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RulesFound {
    lines: Vec<(String, String)>,
}

impl Iptables {
    /// Finds the programs of a family.
    pub(crate) fn find(family: IpFamily) -> Result<Self, DataplaneError> {
        let name = match family {
            IpFamily::V4 => "iptables",
            IpFamily::V6 => "ip6tables",
        };
        let program = |action: &str| {
            let program = format!("{name}-{action}");
            find_program(&program).ok_or_else(|| {
                missing(
                    &format!("the program {program}"),
                    "apt-get install iptables",
                )
            })
        };
        Ok(Self {
            save: program("save")?,
            restore: program("restore")?,
        })
    }

    /// Reads our rules.
    pub(crate) fn read(&self) -> Result<RulesFound, DataplaneError> {
        let output = Command::new(&self.save).stdin(Stdio::null()).output();
        let listing = succeeded(&self.save, output)?;
        Ok(RulesFound::of(&listing))
    }

    /// Puts our rules in place of those that are there, table by table, each at once.
    pub(crate) fn write(&self, tables: &[Table], found: &RulesFound) -> Result<(), DataplaneError> {
        self.restore(&program(tables, found))
    }

    /// Takes our rules out of all tables.
    pub(crate) fn remove(&self) -> Result<(), DataplaneError> {
        match program(&[], &self.read()?) {
            text if text.is_empty() => Ok(()),
            text => self.restore(&text),
        }
    }

    fn restore(&self, text: &str) -> Result<(), DataplaneError> {
        let mut restore = Command::new(&self.restore);
        restore.args(["--noflush", "--counters", "-w", LOCK_SECONDS]);
        let pipes = restore.stdin(Stdio::piped()).stdout(Stdio::null());
        let child = pipes.stderr(Stdio::piped()).spawn();
        let output = child.and_then(|mut child| {
            if let Some(mut input) = child.stdin.take() {
                // A program that ends before it has read all says why, which tells more.
                let _ = input.write_all(text.as_bytes());
            }
            child.wait_with_output()
        });
        succeeded(&self.restore, output).map(|_| ())
    }
}

/// The input that puts our chains in place of those that are there, table by table.
///
/// Chains with our prefix that we don't have (any more) go, and so do rules of other chains that
/// lead into ours other than they should. Ours stand first in their chains, before rules that may
/// decide otherwise.
fn program(wanted: &[Table], found: &RulesFound) -> String {
    let names = wanted.iter().map(|table| table.name);
    let names: BTreeSet<&str> = names.chain(found.tables()).collect();
    let mut text = String::new();
    for name in names {
        let table = wanted.iter().find(|table| table.name == name);
        let chains = || table.iter().flat_map(|table| &table.chains);
        let jumps = || table.iter().flat_map(|table| &table.jumps);
        let line = |(chain, rule): &(&str, String)| format!("-A {chain} {rule}");
        let is_wanted = |found: &str| jumps().any(|jump| line(jump) == found);
        let there: BTreeSet<&str> = found.chains(name).collect();
        let ours: BTreeSet<&str> = chains().map(|(chain, _)| *chain).collect();
        let mut lines = vec![format!("*{name}")];
        lines.extend(there.union(&ours).map(|chain| format!(":{chain} - [0:0]")));
        let wrong = found.jumps(name).filter(|jump| !is_wanted(jump));
        lines.extend(wrong.map(|jump| jump.replacen("-A", "-D", 1)));
        let missing = jumps().map(line);
        let missing = missing.filter(|jump| !found.jumps(name).any(|found| found == jump));
        lines.extend(missing.map(|jump| jump.replacen("-A", "-I", 1)));
        let rules = chains()
            .flat_map(|(chain, rules)| rules.iter().map(move |rule| format!("-A {chain} {rule}")));
        lines.extend(rules);
        lines.extend(there.difference(&ours).map(|chain| format!("-X {chain}")));
        lines.push("COMMIT\n".to_owned());
        text.push_str(&lines.join("\n"));
    }
    text
}

impl RulesFound {
    /// Picks our rules out of a listing.
    fn of(listing: &str) -> Self {
        let mut lines = Vec::new();
        let mut table = "";
        for line in listing.lines().map(str::trim_end) {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(chain) = line.strip_prefix(':').filter(|chain| is_ours(chain)) {
                let name = chain.split(' ').next().unwrap_or_default();
                lines.push((table.to_owned(), format!(":{name}")));
            } else if line.starts_with("-A ") && leads_to_us(line) {
                lines.push((table.to_owned(), line.to_owned()));
            }
        }
        Self { lines }
    }

    /// What differs from what was there before, a line each.
    pub(crate) fn drift_from(&self, before: &Self) -> Vec<String> {
        let lacking = before
            .lines
            .iter()
            .filter(|line| !self.lines.contains(line));
        let added = self
            .lines
            .iter()
            .filter(|line| !before.lines.contains(line));
        let say = |(table, line): &(String, String), what: &str| {
            format!("iptables {table}: {line} {what}")
        };
        let mut drift: Vec<String> = lacking.map(|line| say(line, "was missing")).collect();
        drift.extend(added.map(|line| say(line, "should not be there")));
        if drift.is_empty() && self != before {
            drift.push("iptables: our rules were in another order".to_owned());
        }
        drift
    }

    /// How many rules these are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The tables that have something of ours.
    fn tables(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(table, _)| table.as_str())
    }

    /// Our chains in a table.
    fn chains<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines_of(table)
            .filter_map(|line| line.strip_prefix(':'))
    }

    /// Rules of other people's chains that lead into ours.
    fn jumps<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        let is_jump = |line: &&str| line.strip_prefix("-A ").is_some_and(|rule| !is_ours(rule));
        self.lines_of(table).filter(is_jump)
    }

    fn lines_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        let of_table = self.lines.iter().filter(move |(of, _)| of == table);
        of_table.map(|(_, line)| line.as_str())
    }
}

fn is_ours(chain: &str) -> bool {
    chain.starts_with(OURS)
}

/// Whether a rule is in one of our chains, or jumps or goes to one.
fn leads_to_us(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let is_target = |pair: &[&str]| ["-A", "-j", "-g"].contains(&pair[0]) && is_ours(pair[1]);
    words.windows(2).any(is_target)
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let mut all = std::env::split_paths(&path).chain(usual);
    all.find_map(|directory| Some(directory.join(name)).filter(|program| program.is_file()))
}

fn succeeded(program: &Path, output: std::io::Result<Output>) -> Result<String, DataplaneError> {
    let step = || program.display().to_string();
    let output = output.map_err(|error| failed(&step(), error))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let reason = String::from_utf8_lossy(&output.stderr);
            Err(failed(&step(), reason.trim()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LISTING: &str = "\
*filter
:INPUT ACCEPT [5:300]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-IPVS-OUT-FILTER - [0:0]
:OTHERS - [0:0]
-A INPUT -m comment --comment \"about KUBE-IPVS-FILTER\" -j OTHERS
-A INPUT -m comment --comment \"kubernetes ipvs access filter\" -j KUBE-IPVS-FILTER
-A OUTPUT -j KUBE-IPVS-OUT-FILTER
-A KUBE-IPVS-FILTER -j RETURN
-A OTHERS -j DROP
COMMIT
";

    #[test]
    fn what_is_ours_is_replaced_and_what_is_not_stays() {
        let found = RulesFound::of(LISTING);
        let table = Table {
            name: "filter",
            jumps: vec![("INPUT", "-j KUBE-IPVS-FILTER".to_owned())],
            chains: vec![("KUBE-IPVS-FILTER", vec!["-j ACCEPT".to_owned()])],
        };
        insta::assert_snapshot!(program(&[table], &found), @r#"
        *filter
        :KUBE-IPVS-FILTER - [0:0]
        :KUBE-IPVS-OUT-FILTER - [0:0]
        -D INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
        -D OUTPUT -j KUBE-IPVS-OUT-FILTER
        -I INPUT -j KUBE-IPVS-FILTER
        -A KUBE-IPVS-FILTER -j ACCEPT
        -X KUBE-IPVS-OUT-FILTER
        COMMIT
        "#);
    }

    #[test]
    fn all_that_is_ours_is_removed() {
        insta::assert_snapshot!(program(&[], &RulesFound::of(LISTING)), @r#"
        *filter
        :KUBE-IPVS-FILTER - [0:0]
        :KUBE-IPVS-OUT-FILTER - [0:0]
        -D INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
        -D OUTPUT -j KUBE-IPVS-OUT-FILTER
        -X KUBE-IPVS-FILTER
        -X KUBE-IPVS-OUT-FILTER
        COMMIT
        "#);
        assert_eq!(
            program(&[], &RulesFound::of("*nat\n-A OTHERS -j DROP\nCOMMIT\n")),
            ""
        );
    }

    proptest! {
        #[test]
        fn whatever_a_program_prints_nothing_but_ours_is_touched(listing in "[*:A-Z -]{0,40}(\n[*:A-Z \"-]{0,40}){0,5}") {
            let text = program(&[], &RulesFound::of(&listing));
            let touching = text.lines().filter(|line| line.starts_with(['-', ':']));
            for line in touching {
                prop_assert!(line.contains(OURS), "{line}");
            }
        }
    }
}
