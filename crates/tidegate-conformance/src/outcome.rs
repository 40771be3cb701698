//! What became of a row in one mode and one IP family.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a row in one mode and one IP family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "kebab-case")]
pub enum Outcome {
    /// Clients and pods noticed what the contract says.
    Pass,
    /// The mode said by name that it doesn't have this, and served without.
    Refused(String),
    /// The mode can't do this, for a reason that is written down; that it doesn't was seen.
    NotPossible(String),
    /// Something else was noticed.
    Fail(String),
}

impl Outcome {
    /// The word for it in the table.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Refused(_) => "refused",
            Self::NotPossible(_) => "not possible",
            Self::Fail(_) => "FAIL",
        }
    }

    /// The reason, where there is one.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Pass => None,
            Self::Refused(why) | Self::NotPossible(why) | Self::Fail(why) => Some(why),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why() {
            None => f.write_str(self.word()),
            Some(why) => write!(f, "{}: {why}", self.word()),
        }
    }
}
