//! Where the log goes and how much of it there is.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// How to log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    /// How often `-v` was given.
    pub(crate) verbose: u8,
    pub(crate) format: LogFormat,
}

impl Log {
    /// Starts logging to standard error. `RUST_LOG` wins over `-v`.
    pub(crate) fn start(self) {
        let level = match self.verbose {
            0 => "warn",
            1 => "info",
            2 => "tidegate=debug,info",
            _ => "trace",
        };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        match self.format {
            LogFormat::Text => log.with_target(false).init(),
            LogFormat::Json => log.json().flatten_event(true).init(),
        }
    }

    /// What kube-proxy's verbosity means here, unless `-v` asks for more: it always logs its steps.
    pub(crate) fn with_verbosity(self, verbosity: u32) -> Self {
        let verbose = match verbosity {
            0..=3 => 1,
            4..=5 => 2,
            _ => 3,
        };
        Self {
            verbose: self.verbose.max(verbose),
            ..self
        }
    }
}
