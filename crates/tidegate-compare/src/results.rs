//! What was measured, as it is kept in JSON.

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::agent::Programming;
use crate::machine::Machine;
use crate::options::Effort;
use crate::process::Memory;
use crate::series::Series;

/// Everything that one run on one machine found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// How many processors other things kept busy while nothing was measured.
    pub(crate) others_busy: f64,
    /// How much was measured.
    pub(crate) effort: Effort,
    /// Endpoints of each Service.
    pub(crate) endpoints: u32,
    /// One entry for each competitor and number of Services.
    pub(crate) peers: Vec<Peer>,
    /// Programs that only load rules.
    pub(crate) plain_tools: Vec<PlainTool>,
    /// Modes that can't run on this machine.
    pub(crate) refused: Vec<Refused>,
}

/// A competitor at one number of Services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peer {
    /// A mode's name, or one of [`DIRECT`], [`TRACKED`] and [`HAPROXY`].
    pub(crate) name: String,
    /// None for those that know no Services.
    pub(crate) services: Option<u32>,
    /// For modes: what its process reported.
    pub(crate) programming: Option<Programming>,
    /// For HAProxy: from its start until it served, in seconds.
    pub(crate) start_seconds: Option<f64>,
    /// For HAProxy: changes over its control socket, in seconds.
    pub(crate) change_seconds: Vec<f64>,
    /// Where a process of its own runs: its memory before any connection and after all of them.
    pub(crate) memory: Option<[Memory; 2]>,
    /// Through the first Service; for those without Services, to a pod.
    pub(crate) first: Traffic,
    /// Through the last Service, where that is another one.
    pub(crate) last: Option<Traffic>,
}

/// The name of connections to a pod's own address, on a node that has no rules at all.
pub(crate) const DIRECT: &str = "direct";

/// The name of connections to a pod's own address, on a node that tracks connections.
pub(crate) const TRACKED: &str = "direct, tracked";

/// HAProxy's name.
pub(crate) const HAPROXY: &str = "haproxy";

/// What clients found. Round by round, so that ratios can be taken between what was measured at
/// the same time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// Microseconds until `connect` returned: each round's median and 99th percentile.
    pub(crate) connect_p50: Series,
    pub(crate) connect_p99: Series,
    /// Microseconds from `connect` to the first answer.
    pub(crate) answer_p50: Series,
    pub(crate) answer_p99: Series,
    /// New connections, each with one small answer.
    pub(crate) connections: Rate,
    /// Small answers over connections that stay.
    pub(crate) requests: Rate,
    /// MiB of big answers; where they were asked for.
    pub(crate) bulk: Option<Rate>,
}

/// How often something was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rate {
    pub(crate) per_second: Series,
    /// Microseconds of all processors for each, clients and pods included.
    pub(crate) cpu: Series,
    /// Microseconds of the competitor's own process for each.
    pub(crate) own_cpu: Option<Series>,
    /// Connections that broke before the answer.
    pub(crate) failed: u64,
}

/// A program that only loads rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlainTool {
    /// Which, with which rules.
    pub(crate) tool: String,
    pub(crate) services: u32,
    pub(crate) program_seconds: f64,
    /// One endpoint's change; empty if not measured.
    pub(crate) change_seconds: Vec<f64>,
}

/// A mode that can't run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) mode: String,
    pub(crate) reason: String,
}

impl Results {
    /// Reads what an earlier run kept.
    pub(crate) fn read(path: &std::path::Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is of another version of this program", path.display()))
    }

    /// A competitor without Services, or at one number of them.
    pub(crate) fn peer(&self, name: &str, services: Option<u32>) -> Option<&Peer> {
        let mut peers = self.peers.iter();
        peers.find(|peer| peer.name == name && peer.services == services)
    }

    /// The numbers of Services that were measured, in ascending order.
    pub(crate) fn sizes(&self) -> Vec<u32> {
        let mut sizes: Vec<u32> = self.peers.iter().filter_map(|peer| peer.services).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The names of those that serve Services, in the order in which they were measured.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for peer in self.peers.iter().filter(|peer| peer.services.is_some()) {
            if !names.contains(&peer.name.as_str()) {
                names.push(peer.name.as_str());
            }
        }
        names
    }
}

impl Peer {
    /// Through the last Service, which at one Service is the first.
    pub(crate) fn through_last(&self) -> &Traffic {
        self.last.as_ref().unwrap_or(&self.first)
    }

    /// From nothing to all Services being served, in seconds.
    pub(crate) fn program_seconds(&self) -> Option<f64> {
        let programming = self.programming.as_ref();
        programming.map_or(self.start_seconds, |of_mode| Some(of_mode.program_seconds))
    }

    /// One endpoint's change, in seconds: the median.
    pub(crate) fn one_change(&self) -> Option<f64> {
        let programming = self.programming.as_ref();
        let times = programming.map_or(&self.change_seconds, |of_mode| &of_mode.change_seconds);
        crate::series::median(times.clone())
    }
}
