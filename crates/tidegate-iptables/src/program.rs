//! A whole program: the frame and every Service's rules.

use tidegate_model::IpFamily;
use tidegate_plan::{Plan, PlanKey, ServicePlan};

use crate::chains::Table;
use crate::content::Content;
use crate::frame::Frame;
use crate::options::IptablesOptions;
use crate::writer::Writer;

/// With more endpoints than this, the rules of endpoints go without comments (upstream's
/// `largeClusterEndpointsThreshold`).
const MANY_ENDPOINTS: usize = 1000;

/// What the kernel must have in one family.
#[derive(Clone, Debug)]
pub(crate) struct Program<'a> {
    pub(crate) frame: Frame,
    /// The rules of each Service, in the order of the Services' names.
    pub(crate) services: Vec<(&'a PlanKey, Content)>,
    /// How many endpoints there are.
    pub(crate) endpoints: usize,
}

impl<'a> Program<'a> {
    /// The program of a plan in one family.
    pub(crate) fn of(plan: &'a Plan, options: &IptablesOptions, family: IpFamily) -> Self {
        let of_family = plan.services.iter().filter(|(key, _)| key.family == family);
        let endpoints = of_family.clone().map(|(_, plan)| endpoints(plan)).sum();
        let writer = Writer::new(&plan.settings, options, family, has_comments(endpoints));
        Self {
            frame: Frame::new(&plan.settings, options, family),
            services: of_family
                .map(|(key, plan)| (key, writer.content(plan)))
                .collect(),
            endpoints,
        }
    }

    /// How many rules there are in a table.
    pub(crate) fn rules_in(&self, table: Table) -> usize {
        let contents = self.services.iter();
        let of_services: usize = contents.map(|(_, content)| content.rules_in(table)).sum();
        self.frame.rules_in(table) + of_services
    }
}

/// The endpoints of a Service, counted for each port.
pub(crate) fn endpoints(plan: &ServicePlan) -> usize {
    let ports = plan.ports.iter();
    ports.map(|port| port.cluster_backends.len()).sum()
}

/// Whether rules of endpoints carry comments where there are so many.
pub(crate) fn has_comments(endpoints: usize) -> bool {
    endpoints <= MANY_ENDPOINTS
}
