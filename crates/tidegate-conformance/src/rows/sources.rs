//! Lines 21 to 24: whom backends see.

use tidegate_model::TrafficPolicy;
use tidegate_plan::{PlanSettings, PodTraffic};
use tidegate_testnet::{Cluster, Protocol, REMOTE};

use super::frontends::{exposed, external_frontends};
use crate::asking::{BOTH, Place};
use crate::rows::{Row, row};
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        21,
        backend_sees_the_pod,
        "A backend sees the address of the pod that calls the cluster IP",
        ClientAddress
    ),
    row!(
        22,
        pod_reaches_itself,
        "A pod reaches itself through its Service, under another source address"
    ),
    row!(
        23,
        cluster_policy_is_masqueraded,
        "Node-port, external and load-balancer traffic is masqueraded under `Cluster` policy"
    ),
    row!(
        23,
        local_policy_is_not_masqueraded,
        "Node-port, external and load-balancer traffic is not masqueraded under `Local` policy",
        LocalPolicy,
        ClientAddress
    ),
    row!(
        24,
        outsiders_are_masqueraded,
        "Cluster-IP traffic from outside the pods' range is masqueraded"
    ),
    row!(
        24,
        pods_are_told_as_configured,
        "Pods are told by range, bridge or interface prefix, as `detectLocalMode` says",
        ClientAddress
    ),
    row!(
        24,
        masquerade_all_masquerades_pods,
        "`masqueradeAll` masquerades pods too"
    ),
];

/// Who a backend shall see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Caller,
    Node,
}

fn sees(
    bench: &Bench,
    place: Place,
    protocol: Protocol,
    to: (std::net::IpAddr, u16),
    seen: Seen,
) -> Finding {
    let caller = match place {
        Place::Pod(number) => bench.pod(number),
        Place::Client => bench.client_ip(),
        Place::OtherClient => bench.either("198.18.2.2", "fd00:d::2"),
        Place::Node => bench.node_addresses()[0],
    };
    let reply = bench.reply(place, protocol, to)?;
    let fits = match seen {
        Seen::Caller => reply.source == caller,
        Seen::Node => bench.node_addresses().contains(&reply.source),
    };
    match fits {
        true => Ok(()),
        false => Err(format!(
            "{} saw {}, not the {seen:?}, when {place:?} called {to:?} over {protocol:?}",
            reply.name, reply.source
        )),
    }
}

fn backend_sees_the_pod(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    for backend in [REMOTE, 1] {
        bench.set_pods("web", &[backend])?;
        for protocol in BOTH {
            let to = (bench.cluster_ip(1), 80);
            sees(bench, Place::Pod(0), protocol, to, Seen::Caller)?;
        }
    }
    Ok(())
}

fn pod_reaches_itself(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    for backends in [&[0][..], &[0, 1]] {
        bench.set_pods("web", backends)?;
        for protocol in BOTH {
            let mut met_itself = false;
            for _ in 0..50 {
                let to = (bench.cluster_ip(1), 80);
                let reply = bench.reply(Place::Pod(0), protocol, to)?;
                let is_itself = reply.name == "pod-0";
                met_itself |= is_itself;
                if is_itself && reply.source == bench.pod(0) {
                    return Err("a pod sees its own address as the source".to_owned());
                }
            }
            if !met_itself {
                return Err("a pod never reached itself in 50 calls".to_owned());
            }
        }
    }
    Ok(())
}

fn cluster_policy_is_masqueraded(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::with_node_ports(exposed(bench), 30080))?;
    for backend in [REMOTE, 1] {
        bench.set_pods("web", &[backend])?;
        for protocol in BOTH {
            for to in external_frontends(bench, protocol) {
                sees(bench, Place::Client, protocol, to, Seen::Node)?;
            }
        }
    }
    Ok(())
}

fn local_policy_is_not_masqueraded(bench: &mut Bench) -> Finding {
    let mut web = Cluster::with_node_ports(exposed(bench), 30080);
    web.external_policy = TrafficPolicy::Local;
    bench.set(&web)?;
    bench.set_pods("web", &[1, REMOTE])?;
    for protocol in BOTH {
        for to in external_frontends(bench, protocol) {
            for place in [Place::Client, Place::OtherClient] {
                sees(bench, place, protocol, to, Seen::Caller)?;
            }
        }
    }
    Ok(())
}

fn outsiders_are_masqueraded(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    for backend in [REMOTE, 1] {
        bench.set_pods("web", &[backend])?;
        for protocol in BOTH {
            for place in [Place::Client, Place::Node] {
                let to = (bench.cluster_ip(1), 80);
                sees(bench, place, protocol, to, Seen::Node)?;
            }
        }
    }
    Ok(())
}

fn pods_are_told_as_configured(bench: &mut Bench) -> Finding {
    let range = |text: &str| text.parse().expect("a range");
    // By each of these, pod 0 is a pod and the client isn't.
    let ways = [
        PodTraffic::Cidrs(vec![
            range("10.250.0.0/16"),
            range("10.244.0.0/24"),
            range("fd00:250::/64"),
            range("fd00:244::/64"),
        ]),
        PodTraffic::Bridge("pod0".to_owned()),
        PodTraffic::InterfacePrefix("pod".to_owned()),
    ];
    for pod_traffic in ways {
        bench.restart_with(PlanSettings {
            pod_traffic,
            ..Cluster::settings()
        });
        bench.set(&Cluster::service("web", 1))?;
        bench.set_pods("web", &[REMOTE])?;
        for protocol in BOTH {
            let to = (bench.cluster_ip(1), 80);
            sees(bench, Place::Pod(0), protocol, to, Seen::Caller)?;
            sees(bench, Place::Client, protocol, to, Seen::Node)?;
        }
    }
    Ok(())
}

fn masquerade_all_masquerades_pods(bench: &mut Bench) -> Finding {
    bench.restart_with(PlanSettings {
        masquerade_all: true,
        ..Cluster::settings()
    });
    bench.set(&Cluster::service("web", 1))?;
    for backend in [REMOTE, 1] {
        bench.set_pods("web", &[backend])?;
        for protocol in BOTH {
            let to = (bench.cluster_ip(1), 80);
            sees(bench, Place::Pod(0), protocol, to, Seen::Node)?;
        }
    }
    Ok(())
}
