//! What a mode can and can't do, by name.

use std::fmt;

use tidegate_model::{Protocol, SessionAffinity};
use tidegate_plan::{Backend, Frontend, FrontendAddress, PlanKey, ServicePlan, Sources};

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
    /// A scheduler by the Service's own choice.
    SchedulerChoice,
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
        Self::SchedulerChoice,
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
            Self::SchedulerChoice => "the annotation tidegate.dev/scheduler",
        })
    }
}

/// A Service asks for something that the mode doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{service} asks for {capability}, which {mode} mode does not have")]
pub struct Unsupported {
    /// The Service and family.
    pub service: PlanKey,
    /// What it asks for.
    pub capability: Capability,
    /// The mode's name.
    pub mode: &'static str,
}

/// What a Service's plan needs beyond what `offered` lists, each once.
pub fn unsupported(
    plan: &ServicePlan,
    mode: &'static str,
    offered: &[Capability],
) -> Vec<Unsupported> {
    let mut missing: Vec<Capability> = needed(plan)
        .filter(|need| !offered.contains(need))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    let name = |capability| Unsupported {
        service: plan.key.clone(),
        capability,
        mode,
    };
    missing.into_iter().map(name).collect()
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
            port.scheduler
                .is_some()
                .then_some(Capability::SchedulerChoice),
            (weighted(&port.cluster_backends) || weighted(&port.local_backends))
                .then_some(Capability::Weights),
        ]
        .into_iter()
        .chain(port.frontends.iter().flat_map(needed_by_frontend))
        .flatten()
    })
}

fn needed_by_frontend(frontend: &Frontend) -> [Option<Capability>; 3] {
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
    ]
}
