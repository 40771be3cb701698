//! What a mode can and can't do, by name.

use std::collections::BTreeSet;
use std::fmt;

use tidegate_model::{Protocol, SessionAffinity};
use tidegate_plan::{
    Backend, Frontend, FrontendAddress, Masquerade, PlanKey, ServicePlan, Sources,
};

use crate::Dataplane;

/// Something that a Service can ask for and that not every mode has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// `sessionAffinity: ClientIP`.
    ClientIpAffinity,
    /// External addresses and load-balancer addresses.
    ExternalAddresses,
    /// `internalTrafficPolicy: Local` or `externalTrafficPolicy: Local`.
    LocalPolicy,
    /// `loadBalancerSourceRanges`.
    SourceRanges,
    /// The protocol SCTP.
    Sctp,
    /// Backends with unequal weights.
    Weights,
    /// Backends see the client's address where the policy is `externalTrafficPolicy: Local`.
    ClientAddress,
}

impl Capability {
    /// Everything that can be asked for.
    pub const ALL: [Self; 7] = [
        Self::ClientIpAffinity,
        Self::ExternalAddresses,
        Self::LocalPolicy,
        Self::SourceRanges,
        Self::Sctp,
        Self::Weights,
        Self::ClientAddress,
    ];
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientIpAffinity => "sessionAffinity: ClientIP",
            Self::ExternalAddresses => "external and load-balancer addresses",
            Self::LocalPolicy => "traffic policy Local",
            Self::SourceRanges => "loadBalancerSourceRanges",
            Self::Sctp => "SCTP",
            Self::Weights => "weighted backends",
            Self::ClientAddress => "the client's address behind externalTrafficPolicy: Local",
        })
    }
}

/// A Service asks for something that the mode doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// Something that a mode has or hasn't.
    #[error("{service} asks for {capability}, which {mode} mode does not have")]
    Capability {
        /// The Service and family.
        service: PlanKey,
        /// What it asks for.
        capability: Capability,
        /// The mode's name.
        mode: &'static str,
    },
    /// A scheduler that nobody knows, or that another mode has.
    #[error(
        "{service} asks for the scheduler {scheduler:?}, which {mode} mode does not have: \
         the annotation tidegate.dev/scheduler can be {}", .offered.join(", ")
    )]
    Scheduler {
        /// The Service and family.
        service: PlanKey,
        /// What its annotation says.
        scheduler: String,
        /// What it could say.
        offered: &'static [&'static str],
        /// The mode's name.
        mode: &'static str,
    },
}

impl Unsupported {
    /// The Service and family that asks.
    pub fn service(&self) -> &PlanKey {
        match self {
            Self::Capability { service, .. } | Self::Scheduler { service, .. } => service,
        }
    }
}

/// What a Service's plan needs beyond what a mode offers, each once.
pub fn unsupported(plan: &ServicePlan, dataplane: &dyn Dataplane) -> Vec<Unsupported> {
    let (mode, has) = (dataplane.mode(), dataplane.capabilities());
    let capabilities: BTreeSet<Capability> =
        needed(plan).filter(|need| !has.contains(need)).collect();
    let offered = dataplane.schedulers();
    let asked = plan.ports.iter().filter_map(|port| port.scheduler.as_ref());
    let schedulers: BTreeSet<&str> = asked
        .map(|scheduler| scheduler.0.as_str())
        .filter(|name| !offered.contains(name))
        .collect();
    let capability = |capability| Unsupported::Capability {
        service: plan.key.clone(),
        capability,
        mode,
    };
    let scheduler = |name: &str| Unsupported::Scheduler {
        service: plan.key.clone(),
        scheduler: name.to_owned(),
        offered,
        mode,
    };
    capabilities
        .into_iter()
        .map(capability)
        .chain(schedulers.into_iter().map(scheduler))
        .collect()
}

fn needed(plan: &ServicePlan) -> impl Iterator<Item = Capability> + '_ {
    plan.ports.iter().flat_map(|port| {
        let weighted = |backends: &[Backend]| {
            backends
                .windows(2)
                .any(|pair| pair[0].weight != pair[1].weight)
        };
        [
            (port.affinity != SessionAffinity::None).then_some(Capability::ClientIpAffinity),
            (port.name.protocol == Protocol::Sctp).then_some(Capability::Sctp),
            (weighted(&port.cluster_backends) || weighted(&port.local_backends))
                .then_some(Capability::Weights),
        ]
        .into_iter()
        .chain(port.frontends.iter().flat_map(needed_by_frontend))
        .flatten()
    })
}

fn needed_by_frontend(frontend: &Frontend) -> [Option<Capability>; 4] {
    use tidegate_plan::{BackendSet, Decision};
    let local = Decision::Balance(BackendSet::Local);
    let external = matches!(
        frontend.address,
        FrontendAddress::ExternalIp(_) | FrontendAddress::LoadBalancerIp(_)
    );
    [
        external.then_some(Capability::ExternalAddresses),
        (frontend.inside == local || frontend.outside != frontend.inside)
            .then_some(Capability::LocalPolicy),
        (frontend.sources != Sources::Anyone).then_some(Capability::SourceRanges),
        (frontend.masquerade == Masquerade::FromThisNode).then_some(Capability::ClientAddress),
    ]
}
