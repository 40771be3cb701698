//! How many service ports drop traffic for want of a backend on this node.

use tidegate_model::IpFamily;
use tidegate_plan::{Decision, Plan, PortPlan, ServiceChange, ServicePlan};

/// The counts of one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NoLocalEndpoints {
    /// Under `internalTrafficPolicy: Local`.
    pub(crate) internal: i64,
    /// Under `externalTrafficPolicy: Local`.
    pub(crate) external: i64,
}

impl NoLocalEndpoints {
    /// Counts a whole plan, for [each family](IpFamily::ALL).
    pub(crate) fn of(plan: &Plan) -> [Self; 2] {
        let mut counts = <[Self; 2]>::default();
        for service in plan.services.values() {
            counts[index(service)].add(service, 1);
        }
        counts
    }

    /// Follows one change.
    pub(crate) fn follow(counts: &mut [Self; 2], change: &ServiceChange) {
        for (plan, sign) in [(&change.before, -1), (&change.after, 1)] {
            if let Some(plan) = plan {
                counts[index(plan)].add(plan, sign);
            }
        }
    }

    fn add(&mut self, service: &ServicePlan, sign: i64) {
        for port in &service.ports {
            self.internal += sign * i64::from(drops(port, true));
            self.external += sign * i64::from(drops(port, false));
        }
    }
}

fn index(plan: &ServicePlan) -> usize {
    usize::from(plan.key.family == IpFamily::V6)
}

/// Only a local policy ever drops.
fn drops(port: &PortPlan, internal: bool) -> bool {
    port.frontends.iter().any(|frontend| {
        frontend.address.is_cluster_ip() == internal && frontend.outside == Decision::Drop
    })
}
