//! What `tidegate render` imagines: a cluster of one node in which manifests were just applied.
//!
//! Everything that a cluster would decide by chance is decided by counting here, so that the same
//! manifests always give the same program.

mod pods;
mod services;
mod world;

use ipnet::IpNet;
use tidegate_model::ServiceKey;
use tidegate_plan::{Plan, PlanSettings, Planner, PodTraffic};

pub(crate) use world::World;

/// The name of the one node.
const NODE: &str = "node";

/// The plan for the one node of an imagined cluster, with the ranges that `tidegate up` has.
pub(crate) fn plan(world: &World) -> Plan {
    let range = |address: [u8; 4], length| IpNet::new_assert(address.into(), length);
    let mut planner = Planner::new(PlanSettings {
        node: NODE.to_owned(),
        service_cidrs: vec![range([10, 96, 0, 0], 16)],
        pod_traffic: PodTraffic::Cidrs(vec![range([10, 244, 0, 0], 24)]),
        ..PlanSettings::default()
    });
    let keys: Vec<ServiceKey> = world.snapshot.keys().collect();
    for problem in planner.refresh(&world.snapshot, keys).problems {
        tracing::warn!("{problem}");
    }
    planner.plan().clone()
}
