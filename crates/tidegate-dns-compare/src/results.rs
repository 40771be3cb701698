//! What was measured, as it is kept in JSON.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::options::Effort;
use crate::questions::Questions;
use crate::series::Series;
use crate::servers::Kind;
use tidegate_figures::Machine;

/// Everything that one run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// Programs and their versions.
    pub(crate) versions: Vec<(String, String)>,
    /// How many processors other things kept busy while nothing was measured.
    pub(crate) others_busy: f64,
    pub(crate) effort: Effort,
    pub(crate) services: u32,
    pub(crate) endpoints: u32,
    /// Each server with each set of questions that it was asked.
    pub(crate) peers: Vec<Peer>,
    pub(crate) memory: Memory,
    pub(crate) freshness: Freshness,
}

/// A server that was asked a set of questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) server: Kind,
    pub(crate) questions: Questions,
    /// Answers by their codes, in per cent.
    pub(crate) codes: Vec<(String, f64)>,
    /// Octets of an answer, on average.
    pub(crate) answer_octets: f64,
    /// Questions that got no answer.
    pub(crate) lost: u64,
    /// With a hundred questions on their way at any time: answers for each second of the server's
    /// processor time, answers a second, and the server's share of its core.
    pub(crate) per_core: Series,
    pub(crate) per_second: Series,
    pub(crate) busy: Series,
    /// The same answers for each second of processor time, when `dnsperf` has the server's own core
    /// and questions pile up meanwhile.
    pub(crate) piled_up: Series,
    /// On cores of their own, seconds until an answer came: on average and at most.
    pub(crate) full_average: Series,
    pub(crate) full_longest: Series,
    /// At the modest rate, seconds until an answer came.
    pub(crate) p50: Series,
    pub(crate) p99: Series,
    pub(crate) longest: Series,
}

/// Octets that tidegate's process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// With nothing in the cluster.
    pub(crate) empty: f64,
    /// After all Services were created while it ran.
    pub(crate) grown: f64,
    /// Started while they were there.
    pub(crate) started: f64,
}

/// How soon a change is seen while others are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Freshness {
    /// How many endpoints were replaced, and how many a second.
    pub(crate) changes: usize,
    pub(crate) per_second: f64,
    /// Seconds from the API's answer to a write until the first answer that shows it.
    pub(crate) delays: Series,
}

impl Results {
    /// Results that were kept.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| format!("{} holds no results", path.display()))
    }

    /// A server's figures with a set of questions.
    pub(crate) fn peer(&self, server: Kind, questions: Questions) -> Option<&Peer> {
        let mut peers = self.peers.iter();
        peers.find(|peer| peer.server == server && peer.questions == questions)
    }

    /// Octets for each Service and endpoint, beyond those of an empty cluster.
    pub(crate) fn octets_each(&self, total: f64) -> f64 {
        let each = f64::from(self.services) * (1.0 + f64::from(self.endpoints));
        (total - self.memory.empty) / each
    }
}

impl Peer {
    pub(crate) fn new(server: Kind, questions: Questions) -> Self {
        Self {
            server,
            questions,
            codes: Vec::new(),
            answer_octets: 0.0,
            lost: 0,
            per_core: Series::default(),
            per_second: Series::default(),
            busy: Series::default(),
            piled_up: Series::default(),
            full_average: Series::default(),
            full_longest: Series::default(),
            p50: Series::default(),
            p99: Series::default(),
            longest: Series::default(),
        }
    }
}
