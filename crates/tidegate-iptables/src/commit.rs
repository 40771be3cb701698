//! Has edits done, and finds out which of them are refused.

use std::collections::BTreeSet;

use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_plan::PlanKey;

use crate::chains::Table;
use crate::edit::{Edit, Text};
use crate::split::split;
use crate::tally::Tally;
use crate::tool::{RestoreError, Tool, as_command};

/// How many lines go into one transaction of the nft variant.
const AT_ONCE: usize = 4000;

/// How many Services may be refused before everything is held to be.
const MOST_REFUSALS: usize = 50;

/// Why edits were not done.
struct Fault {
    /// Whose edit is at fault, if it is known.
    edit: Option<usize>,
    /// What was refused, in the words of a user.
    object: String,
    reason: String,
}

/// Does edits of one table.
pub(crate) struct Commit<'t> {
    pub(crate) tool: &'t Tool,
    pub(crate) table: Table,
    pub(crate) outcome: &'t mut Outcome,
    pub(crate) tally: &'t mut Tally,
}

impl Commit<'_> {
    /// Does all edits, those of each Service whole or not at all. What is refused is named in the
    /// outcome, and everything else is done.
    ///
    /// # Errors
    /// What belongs to no Service is refused, or nothing can be done at all.
    pub(crate) fn run(&mut self, edits: Vec<Edit<'_>>) -> Result<(), DataplaneError> {
        let most = if self.tool.is_legacy {
            usize::MAX
        } else {
            AT_ONCE
        };
        let mut refused: BTreeSet<PlanKey> = BTreeSet::new();
        for mut transaction in split(edits, most) {
            let is_refused =
                |edit: &Edit<'_>| edit.service.is_some_and(|key| refused.contains(key));
            transaction.retain(|edit| !is_refused(edit));
            let before = self.outcome.refused.len();
            self.transaction(transaction)?;
            let new = self.outcome.refused[before..].iter();
            refused.extend(new.filter_map(|refusal| refusal.service.clone()));
        }
        Ok(())
    }

    /// Leaves out the edit that is complained about until the rest goes in, and then tries those
    /// that were left out one by one: a complaint may be off by a line.
    fn transaction<'a>(&mut self, mut edits: Vec<Edit<'a>>) -> Result<(), DataplaneError> {
        let mut suspects: Vec<Edit<'a>> = Vec::new();
        loop {
            match self.attempt(&edits)? {
                None => break,
                Some(fault) => match fault.edit.filter(|_| suspects.len() < MOST_REFUSALS) {
                    Some(edit) if edits.get(edit).is_some_and(|one| one.service.is_some()) => {
                        suspects.push(edits.remove(edit));
                    }
                    _ => {
                        self.halves_after_frame(edits, fault)?;
                        break;
                    }
                },
            }
        }
        for suspect in suspects {
            self.halves(&[suspect])?;
        }
        Ok(())
    }

    /// What belongs to no Service must go in; then the Services' edits are halved.
    fn halves_after_frame(
        &mut self,
        edits: Vec<Edit<'_>>,
        fault: Fault,
    ) -> Result<(), DataplaneError> {
        let (services, frame): (Vec<_>, Vec<_>) =
            edits.into_iter().partition(|edit| edit.service.is_some());
        let fault = match services.is_empty() {
            true => Some(fault),
            false if frame.is_empty() => None,
            false => self.attempt(&frame)?,
        };
        match fault {
            None => self.halves(&services),
            Some(fault) => Err(DataplaneError::Failed {
                step: fault.object,
                reason: fault.reason,
            }),
        }
    }

    /// Halves edits until the refused ones stand alone.
    fn halves(&mut self, edits: &[Edit<'_>]) -> Result<(), DataplaneError> {
        let Some(fault) = self.attempt(edits)? else {
            return Ok(());
        };
        match edits {
            [] => Ok(()),
            _ if self.outcome.refused.len() >= MOST_REFUSALS => Err(DataplaneError::Failed {
                step: fault.object,
                reason: format!("{}, as were {MOST_REFUSALS} Services before", fault.reason),
            }),
            [edit] => {
                self.outcome.refused.push(Refusal {
                    service: edit.service.cloned(),
                    object: fault.object,
                    reason: fault.reason,
                });
                Ok(())
            }
            several => {
                let (first, second) = several.split_at(several.len() / 2);
                self.halves(first)?;
                self.halves(second)
            }
        }
    }

    /// Tries to do edits in one transaction.
    fn attempt(&mut self, edits: &[Edit<'_>]) -> Result<Option<Fault>, DataplaneError> {
        let size: usize = edits.iter().map(Edit::size).sum();
        if size == 0 {
            return Ok(None);
        }
        let text = Text::of(self.table, edits);
        match self.tool.restore(&text.text) {
            Ok(()) => {
                self.outcome.changed += size;
                self.tally.written(self.table, text.rules);
                Ok(None)
            }
            Err(RestoreError::Whole(error)) => {
                self.tally.failed();
                Err(error)
            }
            Err(RestoreError::Refused { line, reason }) => {
                self.tally.failed();
                let edit = line.and_then(|line| text.edit_of_line(line));
                let object = line.and_then(|line| text.line_at(line));
                let object = object.unwrap_or("(several rules)");
                Ok(Some(Fault {
                    edit,
                    object: as_command(self.tool, self.table, object),
                    reason,
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tidegate_model::{IpFamily, ServiceKey};

    /// A tool that keeps what it takes, and refuses what has a rule named POISON in it.
    fn tool(directory: &std::path::Path, complaint: &str) -> Tool {
        let restore = directory.join("restore");
        let taken = directory.join("taken");
        let script = format!(
            "#!/bin/sh\ntext=$(cat)\n\
             if line=$(echo \"$text\" | grep -n POISON | head -n 1 | cut -d: -f1); [ -n \"$line\" ]\n\
             then echo \"{complaint}\" >&2; exit 1; fi\n\
             echo \"$text\" >> {}\n",
            taken.display()
        );
        std::fs::write(&restore, script).expect("the directory is there");
        let permissions = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&restore, permissions).expect("it is ours");
        Tool {
            save: restore.clone(),
            restore,
            name: "iptables",
            is_legacy: true,
            wait: 5,
        }
    }

    fn keys() -> Vec<PlanKey> {
        let key = |number| PlanKey {
            service: ServiceKey::new("default", format!("service-{number}")),
            family: IpFamily::V4,
        };
        (0..20).map(key).collect()
    }

    /// Twenty Services in one transaction with a frame, of which two are poisoned.
    fn edits<'a>(keys: &'a [PlanKey], rules: &'a [String]) -> Vec<Edit<'a>> {
        let frame = Edit {
            flush: vec!["KUBE-SERVICES"],
            append: vec![("KUBE-SERVICES", "-j KUBE-NODEPORTS")],
            ..Edit::default()
        };
        let service = |(key, rule): (&'a PlanKey, &'a String)| Edit {
            service: Some(key),
            lines: vec![("KUBE-SERVICES", rule.as_str())],
            ..Edit::default()
        };
        let services = keys.iter().zip(rules).map(service);
        [frame].into_iter().chain(services).collect()
    }

    fn refused_and_taken(complaint: &str) -> (Outcome, String) {
        let directory = tempfile::tempdir().expect("a directory");
        let tool = tool(directory.path(), complaint);
        let keys = keys();
        let rule = |number| match number {
            3 | 11 => format!("-j POISON-{number}"),
            _ => format!("-j KUBE-SVC-{number}"),
        };
        let rules: Vec<String> = (0..20).map(rule).collect();
        let mut outcome = Outcome::default();
        let mut commit = Commit {
            tool: &tool,
            table: Table::Nat,
            outcome: &mut outcome,
            tally: &mut Tally::default(),
        };
        commit
            .run(edits(&keys, &rules))
            .expect("most of it can be done");
        let taken = std::fs::read_to_string(directory.path().join("taken"));
        (outcome, taken.expect("something was taken"))
    }

    #[test]
    fn what_is_refused_is_found_whatever_is_said_about_it() {
        let complaints = [
            "iptables-restore: line $line failed",
            "Error occurred at line: $((line + 1))",
            "iptables-restore: line 999 failed",
            "it failed",
        ];
        for complaint in complaints {
            let (outcome, taken) = refused_and_taken(complaint);
            let mut named: Vec<String> = outcome
                .refused
                .iter()
                .filter_map(|refusal| refusal.service.as_ref().map(ToString::to_string))
                .collect();
            named.sort();
            let poisoned = ["default/service-11 (IPv4)", "default/service-3 (IPv4)"];
            assert_eq!(named, poisoned, "{complaint}");
            for number in (0..20).filter(|number| ![3, 11].contains(number)) {
                let rule = format!(" -j KUBE-SVC-{number}\n");
                assert_eq!(taken.matches(&rule).count(), 1, "{complaint}: {taken}");
            }
            let last = " -j KUBE-NODEPORTS\n";
            assert_eq!(taken.matches(last).count(), 1, "{complaint}: {taken}");
            assert!(!taken.contains("POISON"));
        }
    }

    #[test]
    fn a_frame_that_is_refused_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let tool = tool(directory.path(), "iptables-restore: line $line failed");
        let keys = keys();
        let rules: Vec<String> = (0..20).map(|number| format!("-j SVC-{number}")).collect();
        let mut all = edits(&keys, &rules);
        all[0].append = vec![("KUBE-SERVICES", "-j POISON")];
        let mut commit = Commit {
            tool: &tool,
            table: Table::Nat,
            outcome: &mut Outcome::default(),
            tally: &mut Tally::default(),
        };
        let error = commit.run(all).expect_err("nothing holds without it");
        let told = error.to_string();
        assert!(
            told.contains("iptables -t nat -A KUBE-SERVICES -j POISON"),
            "{told}"
        );
    }
}
