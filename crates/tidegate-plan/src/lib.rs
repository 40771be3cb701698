//! From a snapshot of Services and slices to the decision for every frontend address.
//!
//! [`Planner::refresh`] is the way in: it takes the Services that changed and gives a [`Delta`],
//! at a cost in proportion to what changed. The [`Plan`] it keeps is complete and mode-neutral:
//! a proxy mode turns it into its own kind of program and decides nothing of it again.
//! Nothing here does I/O, reads a clock or knows a proxy mode.

mod delta;
mod plan;
mod planner;
mod selection;
mod service_plan;
mod settings;

pub use delta::{Delta, Problem, ServiceChange};
pub use plan::{
    Backend, BackendSet, Decision, Frontend, FrontendAddress, FrontendKey, Masquerade, Plan,
    PlanKey, PortPlan, ServicePlan, Sources,
};
pub use planner::Planner;
pub use settings::{NodePortAddresses, PlanSettings, PodTraffic};
