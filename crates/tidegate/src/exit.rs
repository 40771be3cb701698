//! How the process ends.

use std::fmt;
use std::process::ExitCode;

/// The table of exit codes, for the help text and the documentation.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it failed; the message says what and what to do
  2  the command line or a manifest is wrong; nothing was done
  3  this machine lacks something: rights, a free port or address range, a kernel feature
  4  the data directory can't be used: damaged, in use, or of a newer version
`tidegate exec` ends with the exit code of the command that it runs.";

/// Why the process ends with an exit code other than 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 1.
    Failed(anyhow::Error),
    /// Exit code 2.
    BadInput(anyhow::Error),
    /// Exit code 3.
    Machine(anyhow::Error),
    /// Exit code 4.
    Data(anyhow::Error),
    /// A command in a container ended with this exit code, which is ours too.
    Command(u8),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for Failure {
    /// The whole chain of causes, each said once: libraries differ in whether an error's text
    /// repeats its cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::Failed(error)
            | Self::BadInput(error)
            | Self::Machine(error)
            | Self::Data(error) => error,
            Self::Command(code) => {
                return write!(f, "command terminated with exit code {code}");
            }
        };
        let mut said = String::new();
        for cause in error.chain().map(ToString::to_string) {
            if !said.contains(&cause) {
                said = if said.is_empty() {
                    cause
                } else {
                    format!("{said}: {cause}")
                };
            }
        }
        f.write_str(&said)
    }
}

impl Failure {
    /// The machine lacks something.
    pub(crate) fn machine(error: impl Into<anyhow::Error>) -> Self {
        Self::Machine(error.into())
    }

    /// The user's input is wrong.
    pub(crate) fn bad_input(error: impl Into<anyhow::Error>) -> Self {
        Self::BadInput(error.into())
    }

    /// The exit code that stands for this failure.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::BadInput(_) => 2,
            Self::Machine(_) => 3,
            Self::Data(_) => 4,
            Self::Command(code) => *code,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_that_the_text_repeats_is_said_once() {
        let repeated = anyhow!("no such range").context("the network: no such range");
        assert_eq!(
            Failure::Machine(repeated).to_string(),
            "the network: no such range"
        );
        let separate = anyhow!("no such range").context("the network");
        assert_eq!(
            Failure::Machine(separate).to_string(),
            "the network: no such range"
        );
    }
}
