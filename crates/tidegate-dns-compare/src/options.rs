//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};

use crate::cluster::{MOST_ENDPOINTS, MOST_SERVICES, Size};

/// Compares `tidegate dns` with Knot DNS, NSD, unbound and dnsmasq in one run on this machine. Needs
/// root, and two processor cores: one for the servers, one for who asks them. All traffic is within a
/// network namespace.
#[derive(Debug, Parser)]
#[command(name = "tidegate-dns-compare")]
pub(crate) struct Options {
    /// The tidegate to measure.
    #[arg(long, default_value = "tidegate")]
    pub(crate) binary: PathBuf,
    /// The number of Services; half of them are headless.
    #[arg(
        long, default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(2..=i64::from(MOST_SERVICES))
    )]
    pub(crate) services: u32,
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
    /// Where to write the plot.
    #[arg(long)]
    pub(crate) plot: Option<PathBuf>,
    /// Measures nothing and shows the JSON of an earlier run.
    #[arg(long, conflicts_with_all = ["quick", "json"])]
    pub(crate) from: Option<PathBuf>,
    /// Measures little: enough to see that it works, too little to quote.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Serves an API from this directory; how this program starts itself.
    #[arg(long, hide = true)]
    pub(crate) run_api: Option<PathBuf>,
    /// Sends back what comes to this port; how this program starts itself.
    #[arg(long, hide = true)]
    pub(crate) run_echo: Option<u16>,
    /// Becomes another program; how this program starts what must end with it.
    #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true)]
    pub(crate) run_program: Option<Vec<String>>,
}

impl Options {
    pub(crate) fn size(&self) -> Size {
        Size {
            services: self.services,
            endpoints: self.endpoints,
        }
    }

    pub(crate) fn effort(&self) -> Effort {
        match self.quick {
            true => Effort::QUICK,
            false => Effort::FULL,
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effort {
    /// How often each server has its turn with each set of questions.
    pub(crate) rounds: usize,
    /// How long it is asked as fast as it answers, in a round, from another core and from its own.
    pub(crate) load_seconds: u64,
    /// How long it is asked at the modest rate, in a round.
    pub(crate) steady_seconds: u64,
    /// How long endpoints change.
    pub(crate) change_seconds: u64,
}

impl Effort {
    /// As much as the figures need that are quoted.
    pub(crate) const FULL: Self = Self {
        rounds: 3,
        load_seconds: 3,
        steady_seconds: 3,
        change_seconds: 20,
    };

    /// As little as shows that everything works.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        load_seconds: 1,
        steady_seconds: 1,
        change_seconds: 2,
    };

    pub(crate) fn change(&self) -> Duration {
        Duration::from_secs(self.change_seconds)
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
    fn without_options_the_size_is_that_of_the_aims() {
        let options = Options::parse_from(["tidegate-dns-compare"]);
        assert_eq!((options.services, options.endpoints), (10_000, 10));
        assert_eq!(options.effort(), Effort::FULL);
    }
}
