//! The trait that every proxy mode implements.

use std::any::Any;
use std::fmt;

use tidegate_plan::{Delta, Plan, PlanKey};

use crate::Capability;

/// A proxy mode at work on one network namespace.
///
/// Calls block while the kernel works and are made from one thread at a time.
pub trait Dataplane: Send {
    /// The mode's name as `--proxy-mode` takes it.
    fn mode(&self) -> &'static str;

    /// What this mode has beyond cluster IPs and node ports over TCP and UDP. A Service that asks
    /// for more is served without it, and told so by name.
    fn capabilities(&self) -> &'static [Capability];

    /// The schedulers that a Service can ask for by the annotation `tidegate.dev/scheduler`. One
    /// that asks for another is served with the mode's default, and told so by name.
    fn schedulers(&self) -> &'static [&'static str];

    /// Makes the kernel's program exactly that of `plan`, by reading what is there and changing
    /// only what differs. Established connections are not disturbed by what stays.
    ///
    /// # Errors
    /// The kernel can't be read, or refuses the program's frame. Single objects that the kernel
    /// refuses are no error: they are named in [`Outcome::refused`] and everything else goes in.
    fn reconcile(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError>;

    /// Brings the kernel from the plan before `delta` to the one after it, at a cost in proportion
    /// to the delta. To be called only after a [`reconcile`](Self::reconcile) that succeeded.
    ///
    /// # Errors
    /// As for `reconcile`; after an error, and for what [`Outcome::refused`] names, the kernel's
    /// state is unknown and the caller reconciles, after a pause.
    fn apply(&mut self, delta: &Delta) -> Result<Outcome, DataplaneError>;

    /// Removes everything that this mode ever put into the kernel here, and nothing else.
    /// There being nothing to remove is success.
    ///
    /// # Errors
    /// The kernel refuses; what could be removed is.
    fn remove(&mut self) -> Result<(), DataplaneError>;

    /// Gives way to another mode that serves already: new connections are the other's from now on,
    /// established ones go on. To be called again, from time to time, while the answer is
    /// [`Retired::Draining`]; [`remove`](Self::remove) ends the wait.
    ///
    /// Modes whose connections live on in the kernel's connection tracking just remove themselves.
    /// Should this mode be wanted again before the others end, [`reconcile`](Self::reconcile) takes
    /// it back into service.
    ///
    /// # Errors
    /// As for `remove`.
    fn retire(&mut self) -> Result<Retired, DataplaneError> {
        self.remove().map(|()| Retired::Gone)
    }

    /// Takes other options while it works, without disturbing a connection; a
    /// [`reconcile`](Self::reconcile) follows. `options` are of the mode's own type.
    ///
    /// Whether it took them. If not, nothing has changed, and the mode has to be opened anew.
    fn take_options(&mut self, _options: &dyn Any) -> bool {
        false
    }

    /// What the mode can say in numbers about its program, for the metrics page.
    fn gauges(&self) -> Vec<Gauge> {
        Vec::new()
    }
}

/// How far a mode's retirement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// Nothing of the mode is left.
    Gone,
    /// So many connections still go through what is left of it.
    Draining(usize),
}

/// A number about a mode's program.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    /// The metric's name without the prefix `kubeproxy_`, such as `sync_proxy_rules_iptables_last`.
    pub name: &'static str,
    /// What it counts, in a sentence.
    pub help: &'static str,
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
    /// Whether it only ever grows.
    pub counter: bool,
}

/// What a successful call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many kernel objects (rules, elements, servers) were added, changed or removed.
    pub changed: usize,
    /// What differed from the program in a reconcile, a line each, at most
    /// [`Outcome::MOST_LINES`]: somebody else's edits, or leftovers of an earlier run.
    pub drift: Vec<String>,
    /// What the kernel refused.
    pub refused: Vec<Refusal>,
}

impl Outcome {
    /// The most lines that `drift` carries; a flushed table of 100,000 elements is one fact.
    pub const MOST_LINES: usize = 20;
}

/// One object that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The Service that needed it, where it belongs to one.
    pub service: Option<PlanKey>,
    /// The object in the notation of the mode's usual tool.
    pub object: String,
    /// The kernel's reason.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Some(service) => write!(
                f,
                "the kernel refused {} of {service}: {}",
                self.object, self.reason
            ),
            None => write!(f, "the kernel refused {}: {}", self.object, self.reason),
        }
    }
}

/// Why a mode could not do its work at all.
#[derive(Debug, thiserror::Error)]
pub enum DataplaneError {
    /// The kernel, or a program on the host, lacks what the mode needs.
    #[error("{mode} mode can't work here: {missing} is missing; {remedy}")]
    Missing {
        /// The mode's name.
        mode: &'static str,
        /// The kernel feature or program.
        missing: String,
        /// What the operator can do.
        remedy: String,
    },
    /// We lack the right to do it.
    #[error(
        "{mode} mode may not change this network namespace: run as root, or with the capability CAP_NET_ADMIN"
    )]
    NotPermitted {
        /// The mode's name.
        mode: &'static str,
    },
    /// The kernel refused a step that everything else depends on.
    #[error("{step} failed: {reason}")]
    Failed {
        /// What was tried, in the notation of the mode's usual tool.
        step: String,
        /// The kernel's reason.
        reason: String,
    },
}
