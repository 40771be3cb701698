//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};

use crate::modes::Mode;
use crate::services::{MOST_ENDPOINTS, MOST_SERVICES};

/// Compares the proxy modes with each other, with a direct connection to the pod, and with
/// HAProxy, in one run on this machine. Needs root; all traffic is within network namespaces.
#[derive(Debug, Parser)]
#[command(name = "tidegate-compare")]
pub(crate) struct Options {
    /// The modes to compare. One that can't run here is told so and left out.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Mode::USUAL)]
    pub(crate) modes: Vec<Mode>,
    /// The numbers of Services.
    #[arg(
        long, value_delimiter = ',', default_value = "1,100,1000,5000,10000",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SERVICES))
    )]
    pub(crate) services: Vec<u32>,
    /// The number of endpoints of each Service.
    #[arg(
        long, default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_ENDPOINTS))
    )]
    pub(crate) endpoints: u32,
    /// Where to keep the figures as JSON.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Where to write the tables as Markdown; they are printed in any case.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// A directory for the plots.
    #[arg(long)]
    pub(crate) plots: Option<PathBuf>,
    /// The JSON of a run in a virtual machine, to be shown beside this one.
    #[arg(long)]
    pub(crate) beside: Option<PathBuf>,
    /// Measures nothing and shows the JSON of an earlier run.
    #[arg(long, conflicts_with_all = ["quick", "json"])]
    pub(crate) from: Option<PathBuf>,
    /// Measures little: enough to see that it works, too little to quote.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Leaves out the tools that only load rules.
    #[arg(long)]
    pub(crate) without_plain_tools: bool,
    /// Runs a mode in this process; how this program starts itself.
    #[arg(long, hide = true, value_enum)]
    pub(crate) run_mode: Option<Mode>,
    /// Becomes another program; how this program starts what must end with it.
    #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true)]
    pub(crate) run_program: Option<Vec<String>>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effort {
    /// Rounds of single calls, and how many calls each competitor gets in a round.
    pub(crate) latency_rounds: usize,
    pub(crate) calls: usize,
    /// Rounds of load, and how long each competitor is loaded in a round.
    pub(crate) load_rounds: usize,
    pub(crate) load_milliseconds: u64,
    /// Clients that call at once under load.
    pub(crate) clients: usize,
    /// Clients that fetch big answers at once.
    pub(crate) bulk_clients: usize,
}

impl Effort {
    /// As much as the figures need that are quoted.
    pub(crate) const FULL: Self = Self {
        latency_rounds: 20,
        calls: 300,
        load_rounds: 11,
        load_milliseconds: 200,
        clients: 64,
        bulk_clients: 4,
    };

    /// As little as shows that everything works.
    pub(crate) const QUICK: Self = Self {
        latency_rounds: 3,
        calls: 50,
        load_rounds: 3,
        load_milliseconds: 50,
        ..Self::FULL
    };

    pub(crate) fn load(&self) -> Duration {
        Duration::from_millis(self.load_milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_fit_together() {
        Options::command().debug_assert();
    }

    #[test]
    fn without_options_the_whole_comparison_is_made() {
        let options = Options::parse_from(["tidegate-compare"]);
        assert_eq!(options.services, [1, 100, 1_000, 5_000, 10_000]);
        assert_eq!(options.modes, Mode::USUAL);
    }
}
