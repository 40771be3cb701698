//! The command line.

use std::path::PathBuf;

use clap::Parser;
use tidegate_conformance::Row;
use tidegate_model::IpFamily;

/// Runs the service-proxy contract in every proxy mode, with real packets.
///
/// Needs root: it makes network namespaces, which end with it. Exits with 1 if a row fails, or if
/// the page to check says something else.
#[derive(Debug, Parser)]
#[command(name = "tidegate-conformance")]
pub(crate) struct Arguments {
    /// Only this mode; can be given several times
    #[arg(long = "mode", value_name = "MODE")]
    pub(crate) modes: Vec<String>,

    /// Only this family
    #[arg(long, value_parser = ["4", "6"])]
    family: Option<String>,

    /// Only this line of the contract
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=33))]
    line: Option<u8>,

    /// Only the row of this name
    #[arg(long)]
    row: Option<String>,

    /// Put the outcomes into this page; what is not run stays as it is there
    #[arg(long, value_name = "PAGE", conflicts_with = "check")]
    pub(crate) write: Option<PathBuf>,

    /// Put the outcomes of another run into the page too, as --json printed them there
    #[arg(long, value_name = "FILE", requires = "write")]
    pub(crate) take: Vec<PathBuf>,

    /// Compare the outcomes with this page
    #[arg(long, value_name = "PAGE")]
    pub(crate) check: Option<PathBuf>,

    /// Print the outcomes as JSON, in one line
    #[arg(long)]
    pub(crate) json: bool,

    /// Run every mode on this machine, also those that are otherwise run in a virtual machine
    #[arg(long)]
    pub(crate) here: bool,

    /// Instead of rows: kill the proxy so many times under load, in each mode that is named
    #[arg(long, value_name = "TIMES", requires = "modes", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) kills: Option<u32>,

    /// Draw the moments of those kills from this number
    #[arg(long, default_value_t = 28, requires = "kills")]
    pub(crate) seed: u64,

    /// Used by the suite itself: change things in this mode until killed
    #[arg(long, hide = true, value_name = "MODE")]
    pub(crate) until_killed: Option<String>,

    /// Used by the suite itself: the plan that a process that is to be killed begins with
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) first_step: usize,
}

impl Arguments {
    /// The families to run.
    pub(crate) fn families(&self) -> impl Iterator<Item = IpFamily> {
        let only = self.family.clone();
        IpFamily::ALL.into_iter().filter(move |family| {
            let digit = match family {
                IpFamily::V4 => "4",
                IpFamily::V6 => "6",
            };
            only.as_deref().is_none_or(|only| only == digit)
        })
    }

    /// Whether to run a row.
    pub(crate) fn wants(&self, row: &Row) -> bool {
        self.line.is_none_or(|line| line == row.line)
            && self.row.as_ref().is_none_or(|name| name == row.name)
    }

    /// The same question to the suite in a virtual machine, for one mode.
    pub(crate) fn for_vm(&self, mode: &str) -> Vec<String> {
        let mut arguments = vec!["--here".to_owned(), "--json".to_owned()];
        let mut add = |flag: &str, value: Option<String>| {
            arguments.extend(value.map(|value| format!("--{flag}={value}")));
        };
        add("mode", Some(mode.to_owned()));
        add("family", self.family.clone());
        add("line", self.line.map(|line| line.to_string()));
        add("row", self.row.clone());
        add("kills", self.kills.map(|kills| kills.to_string()));
        add("seed", self.kills.map(|_| self.seed.to_string()));
        arguments
    }
}
