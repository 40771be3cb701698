//! Runs the host's `iptables-restore` and `iptables-save`.

use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::thread;

use tidegate_dataplane::DataplaneError;

use crate::chains::Table;
use crate::listing::Listing;
use crate::mode::MODE;

/// How much of a program's complaints is read.
const MOST_COMPLAINTS: u64 = 64 * 1024;

/// The programs of one variant of iptables for one IP family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    pub(crate) restore: PathBuf,
    pub(crate) save: PathBuf,
    /// What a user calls to change single rules, such as `iptables`.
    pub(crate) name: &'static str,
    /// Whether whole tables are handed over at each change.
    pub(crate) is_legacy: bool,
    /// How many seconds to wait for others who change rules.
    pub(crate) wait: u64,
}

/// Why a text was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// No text would be.
    #[error(transparent)]
    Whole(#[from] DataplaneError),
    /// Something in this one is wrong.
    #[error("{reason}")]
    Refused {
        /// The number of the line, if it is told, counted from 1.
        line: Option<usize>,
        /// What the program says about it.
        reason: String,
    },
}

impl Tool {
    /// Has a text done, in one transaction for each table in it.
    ///
    /// # Errors
    /// The program can't be run, or doesn't do it.
    pub(crate) fn restore(&self, text: &str) -> Result<(), RestoreError> {
        let wait = self.wait.to_string();
        let mut command = Command::new(&self.restore);
        command.args(["-w", &wait, "--noflush", "--counters"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = self.start(command, &self.restore)?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let complaints = thread::scope(|scope| {
            // Read beside the writing: each side may have to wait for the other.
            let complaints = scope.spawn(|| read_complaints(stderr));
            feed(stdin, text);
            complaints.join().unwrap_or_default()
        });
        let status = child
            .wait()
            .map_err(|error| failed(&self.restore, &error.to_string()))?;
        match status.success() {
            true => Ok(()),
            false => Err(self.complaint(&complaints)),
        }
    }

    /// Reads what is in the kernel's tables.
    ///
    /// # Errors
    /// The program can't be run, or fails.
    pub(crate) fn list(&self) -> Result<Listing, DataplaneError> {
        self.save(|output| Listing::read(BufReader::with_capacity(1 << 18, output)))
    }

    fn save<T>(
        &self,
        read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> Result<T, DataplaneError> {
        let mut command = Command::new(&self.save);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = self.start(command, &self.save)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (read, complaints) = thread::scope(|scope| {
            let complaints = scope.spawn(|| read_complaints(stderr));
            let read = match stdout {
                Some(mut stdout) => read(&mut stdout),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            };
            (read, complaints.join().unwrap_or_default())
        });
        let status = child
            .wait()
            .map_err(|error| failed(&self.save, &error.to_string()))?;
        if !status.success() {
            return Err(match self.complaint(&complaints) {
                RestoreError::Whole(error) => error,
                RestoreError::Refused { reason, .. } => failed(&self.save, &reason),
            });
        }
        read.map_err(|error| failed(&self.save, &error.to_string()))
    }

    fn start(&self, mut command: Command, program: &Path) -> Result<Child, DataplaneError> {
        let child = command.stderr(Stdio::piped()).spawn();
        child.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(&program.display().to_string()),
            _ => failed(program, &error.to_string()),
        })
    }

    /// Tells what is wrong with the text from what is wrong with the world.
    fn complaint(&self, complaints: &str) -> RestoreError {
        let says = |words: &str| complaints.contains(words);
        let program = self.restore.display();
        if says("xtables lock") {
            return RestoreError::Whole(DataplaneError::Failed {
                step: format!("waiting {} s for the lock of {program}", self.wait),
                reason: "another process holds the lock /run/xtables.lock while it changes rules; \
                         it is tried again"
                    .to_owned(),
            });
        }
        if says("you must be root") || says("can't open lock file") {
            return RestoreError::Whole(DataplaneError::NotPermitted { mode: MODE });
        }
        if says("do you need to insmod?") || says("Table does not exist") {
            let modules = "the modules ip_tables, iptable_nat and iptable_filter (ip6_tables, \
                           ip6table_nat and ip6table_filter)";
            return RestoreError::Whole(DataplaneError::Missing {
                mode: MODE,
                missing: format!("a table that {program} needs in the kernel"),
                remedy: match self.is_legacy {
                    true => format!("load {modules}, or use the nft variant of iptables"),
                    false => "load the modules nf_tables and nft_compat".to_owned(),
                },
            });
        }
        RestoreError::Refused {
            line: line_number(complaints),
            reason: reason(complaints),
        }
    }
}

/// Tells that a program is missing, and how to come by it.
pub(crate) fn missing(program: &str) -> DataplaneError {
    DataplaneError::Missing {
        mode: MODE,
        missing: format!("the program {program}"),
        remedy: "run `apt-get install iptables`, or choose another mode".to_owned(),
    }
}

/// The words of a user for something that is done in a table.
pub(crate) fn as_command(tool: &Tool, table: Table, line: &str) -> String {
    format!("{} -t {} {line}", tool.name, table.name())
}

fn failed(program: &Path, reason: &str) -> DataplaneError {
    DataplaneError::Failed {
        step: format!("running {}", program.display()),
        reason: reason.to_owned(),
    }
}

fn feed(stdin: Option<ChildStdin>, text: &str) {
    if let Some(mut stdin) = stdin {
        // A program that ends before it has read all tells why it did.
        let _ = stdin.write_all(text.as_bytes());
    }
}

fn read_complaints(stderr: Option<ChildStderr>) -> String {
    let mut bytes = Vec::new();
    if let Some(stderr) = stderr {
        // What can't be read can't be told; the exit status says that something is wrong.
        let _ = stderr.take(MOST_COMPLAINTS).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Finds `line 7 failed`, `line 7: …` or `Error occurred at line: 7`.
fn line_number(complaints: &str) -> Option<usize> {
    complaints.match_indices("line").find_map(|(start, word)| {
        let behind = complaints.get(start + word.len()..)?;
        let behind = behind.trim_start_matches([':', ' ']);
        let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

/// The first line that says something, without the program's name.
fn reason(complaints: &str) -> String {
    let lines = complaints.lines().map(|line| {
        let line = match line.split_once("): ") {
            Some((program, rest)) if program.contains("-restore v") => rest,
            _ => line,
        };
        line.trim()
    });
    let mut telling = lines.filter(|line| {
        let is_noise = line.is_empty()
            || line.starts_with('#')
            || line.ends_with("):")
            || line.starts_with("Try `");
        !is_noise
    });
    let reason = telling.next().unwrap_or("it did not say why");
    reason.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_of_both_variants_are_understood() {
        let cases = [
            (
                "iptables-restore: line 4 failed\n",
                Some(4),
                "iptables-restore: line 4 failed",
            ),
            (
                "iptables-nft-restore v1.8.9 (nf_tables): \nline 3: RULE_APPEND failed (Invalid argument): rule in chain KUBE-Q\n",
                Some(3),
                "line 3: RULE_APPEND failed (Invalid argument): rule in chain KUBE-Q",
            ),
            (
                "iptables-restore v1.8.9 (legacy): Couldn't load match `nosuch':No such file or directory\n\nError occurred at line: 13\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n",
                Some(13),
                "Couldn't load match `nosuch':No such file or directory",
            ),
            ("", None, "it did not say why"),
        ];
        for (complaints, line, said) in cases {
            assert_eq!(line_number(complaints), line, "{complaints}");
            assert_eq!(reason(complaints), said);
        }
    }
}
