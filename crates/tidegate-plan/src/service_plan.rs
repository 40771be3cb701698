//! The plan of one Service in one family, from the Service and its slices alone.

use std::collections::BTreeSet;

use ipnet::IpNet;
use tidegate_model::{
    EndpointSlice, IpFamily, LoadBalancerIp, Service, ServicePort, ServiceRole, TrafficPolicy,
};

use crate::PlanSettings;
use crate::plan::{
    Backend, BackendSet, Decision, Frontend, FrontendAddress, Masquerade, PlanKey, PortPlan,
    ServicePlan, Sources,
};
use crate::selection::Endpoints;

/// Decides everything about one Service in one family; `None` if it has no frontend there.
///
/// Headless and ExternalName Services have none, nor has a Service that another proxy serves.
pub(crate) fn plan_service(
    service: &Service,
    slices: &[EndpointSlice],
    family: IpFamily,
    settings: &PlanSettings,
) -> Option<ServicePlan> {
    if service.role != ServiceRole::Balanced || service.proxy_name.is_some() {
        return None;
    }
    let cluster_ips: Vec<_> = service
        .cluster_ips
        .iter()
        .copied()
        .filter(|ip| ip.family() == family)
        .collect();
    if cluster_ips.is_empty() {
        return None;
    }
    let plan_port = |port| {
        plan_port(
            service,
            port,
            &Endpoints::of_port(slices, port, family),
            family,
            settings,
        )
    };
    Some(ServicePlan {
        key: PlanKey {
            service: service.key.clone(),
            family,
        },
        cluster_ips,
        // Upstream: only who keeps traffic on the node is asked for its health there.
        health_check_node_port: service
            .health_check_node_port
            .filter(|_| service.external_policy == TrafficPolicy::Local),
        ports: service.ports.iter().map(plan_port).collect(),
    })
}

fn plan_port(
    service: &Service,
    port: &ServicePort,
    endpoints: &Endpoints<'_>,
    family: IpFamily,
    settings: &PlanSettings,
) -> PortPlan {
    let cluster_backends = endpoints.for_cluster(settings);
    let local_backends = endpoints.for_local(settings);
    let decide = |policy| decide(policy, &cluster_backends, &local_backends);
    let mut frontends = Vec::new();
    for ip in service
        .cluster_ips
        .iter()
        .filter(|ip| ip.family() == family)
    {
        let decision = decide(service.internal_policy);
        frontends.push(Frontend {
            address: FrontendAddress::ClusterIp(*ip),
            port: port.port,
            inside: decision,
            outside: decision,
            masquerade: match settings.masquerade_all {
                true => Masquerade::Always,
                false => Masquerade::FromOutsideThePods,
            },
            sources: Sources::Anyone,
        });
    }
    let external = |address, number, sources| Frontend {
        address,
        port: number,
        inside: decide(TrafficPolicy::Cluster),
        outside: decide(service.external_policy),
        masquerade: match service.external_policy {
            TrafficPolicy::Cluster => Masquerade::Always,
            TrafficPolicy::Local => Masquerade::FromThisNode,
        },
        sources,
    };
    for ip in service
        .external_ips
        .iter()
        .filter(|ip| ip.family() == family && !settings.without_external_ips)
    {
        frontends.push(external(
            FrontendAddress::ExternalIp(*ip),
            port.port,
            Sources::Anyone,
        ));
    }
    for ip in service
        .load_balancer_ips
        .iter()
        .filter(|ip| ip.family() == family)
    {
        frontends.push(external(
            FrontendAddress::LoadBalancerIp(*ip),
            port.port,
            sources(service, *ip, settings),
        ));
    }
    if let Some(node_port) = port.node_port {
        frontends.push(external(
            FrontendAddress::NodePort(node_port),
            node_port.0,
            Sources::Anyone,
        ));
    }
    keep_first_of_each(&mut frontends);
    let uses_local = frontends.iter().any(|frontend| {
        [frontend.inside, frontend.outside].contains(&Decision::Balance(BackendSet::Local))
    });
    PortPlan {
        name: service.port_name(port),
        frontends,
        cluster_backends,
        local_backends: if uses_local {
            local_backends
        } else {
            Vec::new()
        },
        affinity: service.affinity,
        scheduler: service.scheduler.clone(),
    }
}

/// A manifest may name one address twice, as external and as load-balancer address, say.
fn keep_first_of_each(frontends: &mut Vec<Frontend>) {
    let mut seen = BTreeSet::new();
    frontends.retain(|frontend| seen.insert((frontend.address.ip(), frontend.port)));
}

/// No endpoint anywhere rejects; endpoints elsewhere but none here, where it must be here, drops.
fn decide(policy: TrafficPolicy, cluster: &[Backend], local: &[Backend]) -> Decision {
    match policy {
        TrafficPolicy::Cluster if cluster.is_empty() => Decision::Reject,
        TrafficPolicy::Cluster => Decision::Balance(BackendSet::Cluster),
        TrafficPolicy::Local if !local.is_empty() => Decision::Balance(BackendSet::Local),
        TrafficPolicy::Local if cluster.is_empty() => Decision::Reject,
        TrafficPolicy::Local => Decision::Drop,
    }
}

/// A `/0` means no restriction. Ranges of the other family alone leave nobody, as upstream has it.
///
/// Who admits this node admits it whatever source address it uses: any of its own, or the
/// load balancer's, which is what the kernel takes where that one is an address of this node.
fn sources(service: &Service, address: LoadBalancerIp, settings: &PlanSettings) -> Sources {
    let family = address.family();
    let ranges = &service.source_ranges;
    let of_family = ranges
        .iter()
        .filter(|range| IpFamily::of(range.addr()) == family);
    if ranges.is_empty() || of_family.clone().any(|range| range.prefix_len() == 0) {
        return Sources::Anyone;
    }
    let own = settings.node_addresses.iter();
    let own = own.filter(|own| IpFamily::of(**own) == family);
    let mut only: Vec<_> = of_family.map(IpNet::trunc).collect();
    if own
        .clone()
        .any(|own| only.iter().any(|range| range.contains(own)))
    {
        only.extend(own.copied().chain([address.0]).map(IpNet::from));
    }
    only.sort_unstable();
    only.dedup();
    Sources::Only(only)
}
