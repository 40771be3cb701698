//! The table as Markdown, written and read.

use std::collections::BTreeMap;

use tidegate_model::IpFamily;

use crate::elsewhere::ELSEWHERE;
use crate::{Cell, MODES, Outcome, Row, Table, rows};

const HEAD: &str = "\
# Conformance

What each proxy mode does, line by line of the service-proxy contract. The table is written by the
suite `tidegate-conformance` and checked by its tests; every cell was tried with real packets between
network namespaces: pods on two nodes, the node itself, two clients outside.

    cargo run -p tidegate-conformance -- --write docs/conformance.md   # all modes, anew
    cargo run -p tidegate-conformance -- --mode nftables --line 19     # one line, to look at it

*pass*: clients and pods notice what the contract says. *refused*: the mode says by name that it
doesn't have this, in the log and in an Event, and serves without. *not possible*: the mode can't, for
the reason given; it was tried all the same. A row says *both* where IPv4 and IPv6 are alike.

";

/// Why a table can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum MarkdownError {
    /// A mode was not tried in full.
    #[error(
        "{mode} has no outcome for {row} over {family}: run this mode without --line and --row"
    )]
    Incomplete {
        /// The mode.
        mode: &'static str,
        /// The row's name.
        row: &'static str,
        /// The family.
        family: IpFamily,
    },
    /// The text isn't what this module writes.
    #[error("line {number} of the table can't be read: {line:?}; write it anew with --write")]
    Unreadable {
        /// The number of the line, from 1.
        number: usize,
        /// The line.
        line: String,
    },
}

/// Notes under the table: each reason once.
#[derive(Default)]
struct Notes {
    reasons: Vec<String>,
}

impl Notes {
    fn cell(&mut self, outcome: &Outcome) -> String {
        let Some(why) = outcome.why() else {
            return outcome.word().to_owned();
        };
        let known = self.reasons.iter().position(|reason| reason == why);
        let index = known.unwrap_or_else(|| {
            self.reasons.push(why.to_owned());
            self.reasons.len() - 1
        });
        format!("{} [^{}]", outcome.word(), index + 1)
    }
}

impl Table {
    /// The page with this table.
    ///
    /// # Errors
    /// A mode that is in the table has no outcome for some row.
    pub fn to_markdown(&self) -> Result<String, MarkdownError> {
        let rows = rows();
        let modes = MODES.iter().map(|mode| mode.name);
        let has_any = |mode: &&str| {
            let mut all = rows
                .iter()
                .flat_map(|row| IpFamily::ALL.map(|f| (row.name, f)));
            all.any(|(row, family)| self.outcome(row, mode, family).is_some())
        };
        let modes: Vec<&'static str> = modes.filter(has_any).collect();
        let mut notes = Notes::default();
        let mut page = HEAD.to_owned();
        page.push_str(&format!(
            "| Line | What holds | Family | {} |\n",
            modes.join(" | ")
        ));
        page.push_str(&format!("|---:|---|---|{}\n", "---|".repeat(modes.len())));
        for row in &rows {
            for (families, outcomes) in self.lines_of(row, &modes)? {
                let cells = outcomes.into_iter().map(|outcome| notes.cell(outcome));
                let cells: Vec<String> = cells.collect();
                page.push_str(&format!(
                    "| {} | {} | {families} | {} |\n",
                    row.line,
                    row.statement,
                    cells.join(" | ")
                ));
            }
        }
        page.push('\n');
        for (index, reason) in notes.reasons.iter().enumerate() {
            page.push_str(&format!("[^{}]: {reason}\n", index + 1));
        }
        page.push_str("\n## Lines that are the same in every mode\n\n");
        for one in ELSEWHERE {
            let files: Vec<String> = one.files.iter().map(|file| format!("`{file}`")).collect();
            let (line, statement) = (one.line, one.statement);
            page.push_str(&format!(
                "* {line}: {statement} Tried in {}.\n",
                files.join(" and ")
            ));
        }
        Ok(page)
    }

    /// A row's outcomes in all modes: one line for both families where they are alike.
    fn lines_of(
        &self,
        row: &Row,
        modes: &[&'static str],
    ) -> Result<Vec<(String, Vec<&Outcome>)>, MarkdownError> {
        let of_family = |family: IpFamily| {
            let outcomes = modes.iter().map(|mode| {
                let outcome = self.outcome(row.name, mode, family);
                outcome.ok_or(MarkdownError::Incomplete {
                    mode,
                    row: row.name,
                    family,
                })
            });
            outcomes.collect::<Result<Vec<&Outcome>, MarkdownError>>()
        };
        let [v4, v6] = IpFamily::ALL.map(of_family);
        let (v4, v6) = (v4?, v6?);
        Ok(match v4 == v6 {
            true => vec![("both".to_owned(), v4)],
            false => vec![("IPv4".to_owned(), v4), ("IPv6".to_owned(), v6)],
        })
    }

    /// Reads a page that [`to_markdown`](Self::to_markdown) wrote. Rows that there are no more are
    /// left out.
    ///
    /// # Errors
    /// The page was not written like that.
    pub fn from_markdown(page: &str) -> Result<Self, MarkdownError> {
        let notes: BTreeMap<&str, &str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("[^")?.split_once("]: "))
            .collect();
        let mut modes: Vec<&str> = Vec::new();
        let mut table = Self::default();
        let by_statement: BTreeMap<&str, &str> =
            rows().iter().map(|row| (row.statement, row.name)).collect();
        for (index, line) in page.lines().enumerate() {
            let unreadable = || MarkdownError::Unreadable {
                number: index + 1,
                line: line.to_owned(),
            };
            let Some(inner) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |")) else {
                continue;
            };
            let fields: Vec<&str> = inner.split(" | ").collect();
            let [_, statement, families, cells @ ..] = fields.as_slice() else {
                return Err(unreadable());
            };
            if modes.is_empty() {
                modes = cells.to_vec();
                continue;
            }
            let Some(row) = by_statement.get(statement) else {
                continue;
            };
            if cells.len() != modes.len() {
                return Err(unreadable());
            }
            for (mode, cell) in modes.iter().zip(cells) {
                let outcome = read_cell(cell, &notes).ok_or_else(unreadable)?;
                let of = |family: &IpFamily| *families == "both" || *families == family.to_string();
                let cells = IpFamily::ALL.into_iter().filter(of).map(|family| Cell {
                    row: (*row).to_owned(),
                    family: family.to_string(),
                    mode: (*mode).to_owned(),
                    outcome: outcome.clone(),
                });
                table.take(cells);
            }
        }
        Ok(table)
    }
}

fn read_cell(cell: &str, notes: &BTreeMap<&str, &str>) -> Option<Outcome> {
    let (word, note) = match cell.split_once(" [^") {
        Some((word, note)) => (word, note.strip_suffix(']')),
        None => (cell, None),
    };
    let why = || Some((*notes.get(note?)?).to_owned());
    match word {
        "pass" => Some(Outcome::Pass),
        "refused" => Some(Outcome::Refused(why()?)),
        "not possible" => Some(Outcome::NotPossible(why()?)),
        "FAIL" => Some(Outcome::Fail(why()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A table in which every mode has every row but one, with an outcome that depends on both.
    fn full_but(missing: &str) -> Table {
        let mut table = Table::default();
        for (m, mode) in MODES.iter().enumerate() {
            let rows = rows();
            let rows = rows.iter().enumerate();
            for (r, row) in rows.filter(|(_, row)| row.name != missing) {
                for (f, family) in IpFamily::ALL.into_iter().enumerate() {
                    let outcome = match (m + r) % 4 + usize::from(r == 3) * f {
                        0 => Outcome::Refused("weighted backends".to_owned()),
                        1 => Outcome::NotPossible("it can't".to_owned()),
                        _ => Outcome::Pass,
                    };
                    table.take([Cell {
                        row: row.name.to_owned(),
                        family: family.to_string(),
                        mode: mode.name.to_owned(),
                        outcome,
                    }]);
                }
            }
        }
        table
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let page = full_but("").to_markdown().expect("it is complete");
        assert_eq!(
            Table::from_markdown(&page).expect("it can be read"),
            full_but("")
        );
    }

    #[test]
    fn a_mode_without_all_its_rows_is_not_written() {
        let missing = rows()[7].name;
        let error = full_but(missing).to_markdown();
        let error = error.expect_err("a row is missing").to_string();
        assert!(error.contains(missing), "{error}");
    }

    #[test]
    fn a_cell_that_nobody_knows_is_told_with_its_line() {
        let page = full_but("").to_markdown().expect("it is complete");
        let broken = page.replace("| pass |", "| perhaps |");
        let error = Table::from_markdown(&broken).expect_err("there is no such outcome");
        assert!(error.to_string().contains("perhaps"), "{error}");
    }

    #[test]
    fn statements_and_names_are_unique_and_fit_into_a_table() {
        let rows = rows();
        let statements: BTreeSet<&str> = rows.iter().map(|row| row.statement).collect();
        let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!((statements.len(), names.len()), (rows.len(), rows.len()));
        assert!(statements.iter().all(|one| !one.contains('|')));
    }

    #[test]
    fn every_line_of_the_contract_has_its_place() {
        let rows = rows();
        let elsewhere = ELSEWHERE.iter().map(|one| one.line);
        let lines: BTreeSet<u8> = rows.iter().map(|row| row.line).chain(elsewhere).collect();
        assert_eq!(lines, (1..=33).collect());
    }
}
