//! Lines 12 to 15: which backends a policy and hints leave.

use tidegate_model::{Service, TrafficPolicy};
use tidegate_testnet::{Cluster, NODE, Protocol, REMOTE};

use super::backends::draining;
use super::frontends::{exposed, external_frontends};
use crate::asking::{BOTH, Place};
use crate::rows::{Row, row};
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        12,
        internal_local_stays_on_the_node,
        "`internalTrafficPolicy: Local` reaches backends on the client's node only",
        LocalPolicy
    ),
    row!(
        12,
        internal_local_without_backend_is_silent,
        "`internalTrafficPolicy: Local` without a backend here is silent",
        LocalPolicy
    ),
    row!(
        13,
        external_local_stays_on_the_node,
        "`externalTrafficPolicy: Local` reaches backends on the node it arrives at only",
        LocalPolicy
    ),
    row!(
        13,
        external_local_keeps_the_client_address,
        "`externalTrafficPolicy: Local` keeps the client's address",
        LocalPolicy,
        ClientAddress
    ),
    row!(
        13,
        external_local_without_backend_is_silent,
        "`externalTrafficPolicy: Local` without a backend here is silent",
        LocalPolicy
    ),
    row!(
        13,
        insiders_are_served_cluster_wide,
        "Pods and the node are served cluster-wide at external addresses of such a Service",
        LocalPolicy
    ),
    row!(
        14,
        local_policy_falls_back_to_draining,
        "Local policy falls back to draining backends here before it is silent",
        LocalPolicy
    ),
    row!(
        15,
        hints_choose_backends,
        "Node hints, else zone hints, choose backends where every endpoint has them"
    ),
    row!(
        15,
        local_policy_ignores_hints,
        "Local policy ignores hints",
        LocalPolicy
    ),
];

fn local_inside() -> Service {
    Service {
        internal_policy: TrafficPolicy::Local,
        ..Cluster::service("web", 1)
    }
}

/// With node ports 30080 (TCP) and 30081 (UDP), an external and a load-balancer IP.
fn local_outside(bench: &Bench) -> Service {
    Service {
        external_policy: TrafficPolicy::Local,
        ..Cluster::with_node_ports(exposed(bench), 30080)
    }
}

fn internal_local_stays_on_the_node(bench: &mut Bench) -> Finding {
    bench.set(&local_inside())?;
    bench.set_pods("web", &[0, 1, REMOTE])?;
    for place in [Place::Pod(2), Place::Node] {
        for protocol in BOTH {
            let to = (bench.cluster_ip(1), 80);
            bench.is_served_by(place, protocol, to, &["pod-0", "pod-1"])?;
        }
    }
    Ok(())
}

fn internal_local_without_backend_is_silent(bench: &mut Bench) -> Finding {
    bench.set(&local_inside())?;
    bench.set_pods("web", &[REMOTE])?;
    let to = (bench.cluster_ip(1), 80);
    bench.are_silent(&[
        (Place::Pod(0), Protocol::Tcp, to),
        (Place::Pod(0), Protocol::Udp, to),
        (Place::Node, Protocol::Tcp, to),
        (Place::Node, Protocol::Udp, to),
    ])?;
    bench.set_pods("web", &[0, REMOTE])?;
    bench.is_served_by(Place::Pod(1), Protocol::Tcp, to, &["pod-0"])
}

fn external_local_stays_on_the_node(bench: &mut Bench) -> Finding {
    bench.set(&local_outside(bench))?;
    bench.set_pods("web", &[0, 1, REMOTE])?;
    for protocol in BOTH {
        for to in external_frontends(bench, protocol) {
            bench.is_served_by(Place::Client, protocol, to, &["pod-0", "pod-1"])?;
        }
    }
    Ok(())
}

fn external_local_keeps_the_client_address(bench: &mut Bench) -> Finding {
    bench.set(&local_outside(bench))?;
    bench.set_pods("web", &[0, 1, REMOTE])?;
    for protocol in BOTH {
        for to in external_frontends(bench, protocol) {
            let reply = bench.reply(Place::Client, protocol, to)?;
            if reply.source != bench.client_ip() {
                return Err(format!(
                    "{} saw {}, not the client",
                    reply.name, reply.source
                ));
            }
        }
    }
    Ok(())
}

fn external_local_without_backend_is_silent(bench: &mut Bench) -> Finding {
    bench.set(&local_outside(bench))?;
    bench.set_pods("web", &[REMOTE])?;
    let calls = BOTH.into_iter().flat_map(|protocol| {
        external_frontends(bench, protocol).map(|to| (Place::Client, protocol, to))
    });
    let calls: Vec<_> = calls.collect();
    bench.are_silent(&calls)
}

fn insiders_are_served_cluster_wide(bench: &mut Bench) -> Finding {
    bench.set(&local_outside(bench))?;
    for (pods, names) in [
        (&[0, REMOTE][..], &["pod-0", "pod-100"][..]),
        (&[REMOTE], &["pod-100"]),
    ] {
        bench.set_pods("web", pods)?;
        for place in [Place::Pod(1), Place::Node] {
            for protocol in BOTH {
                for to in [(bench.external_ip(), 80), (bench.load_balancer_ip(), 80)] {
                    bench.is_served_by(place, protocol, to, names)?;
                }
            }
        }
    }
    Ok(())
}

fn local_policy_falls_back_to_draining(bench: &mut Bench) -> Finding {
    let mut web = local_outside(bench);
    web.internal_policy = TrafficPolicy::Local;
    bench.set(&web)?;
    let endpoints = vec![draining(bench.endpoint(0)), bench.endpoint(REMOTE)];
    bench.set_endpoints("web", endpoints)?;
    for protocol in BOTH {
        let cluster_ip = (bench.cluster_ip(1), 80);
        bench.is_served_by(Place::Pod(1), protocol, cluster_ip, &["pod-0"])?;
        for to in external_frontends(bench, protocol) {
            bench.is_served_by(Place::Client, protocol, to, &["pod-0"])?;
        }
    }
    Ok(())
}

fn hints_choose_backends(bench: &mut Bench) -> Finding {
    let mut settings = Cluster::settings();
    settings.zone = Some("east".to_owned());
    bench.restart_with(settings);
    bench.set(&Cluster::service("web", 1))?;
    let mut endpoints = [0, 1, REMOTE].map(|pod| bench.endpoint(pod)).to_vec();
    for (endpoint, zone) in endpoints.iter_mut().zip(["west", "east", "east"]) {
        endpoint.zone_hints = vec![zone.to_owned()];
    }
    let to = (bench.cluster_ip(1), 80);
    bench.set_endpoints("web", endpoints.clone())?;
    bench.is_served_by(Place::Pod(2), Protocol::Tcp, to, &["pod-1", "pod-100"])?;
    for (endpoint, node) in endpoints.iter_mut().zip([NODE, "node-c", "node-b"]) {
        endpoint.node_hints = vec![node.to_owned()];
    }
    bench.set_endpoints("web", endpoints.clone())?;
    bench.is_served_by(Place::Pod(2), Protocol::Tcp, to, &["pod-0"])?;
    endpoints[1].node_hints.clear();
    endpoints[2].zone_hints.clear();
    bench.set_endpoints("web", endpoints)?;
    let all = ["pod-0", "pod-1", "pod-100"];
    bench.is_served_by(Place::Pod(2), Protocol::Tcp, to, &all)
}

fn local_policy_ignores_hints(bench: &mut Bench) -> Finding {
    bench.set(&local_inside())?;
    let mut endpoints = [0, 1].map(|pod| bench.endpoint(pod));
    for (endpoint, node) in endpoints.iter_mut().zip([NODE, "node-b"]) {
        endpoint.node_hints = vec![node.to_owned()];
    }
    bench.set_endpoints("web", endpoints.to_vec())?;
    let to = (bench.cluster_ip(1), 80);
    bench.is_served_by(Place::Pod(2), Protocol::Tcp, to, &["pod-0", "pod-1"])
}
