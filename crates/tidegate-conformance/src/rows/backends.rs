//! Lines 10, 11, 16 and 17: which endpoints are usable.

use tidegate_model::Endpoint;
use tidegate_testnet::{Cluster, Protocol};

use crate::asking::{BOTH, EVERYWHERE, Place};
use crate::rows::{Row, row};
use crate::talking::goes_on;
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        10,
        only_ready_pods_are_used,
        "Only ready pods get connections"
    ),
    row!(
        10,
        draining_pods_serve_when_none_is_ready,
        "Without a ready pod, those that still serve while they terminate get connections"
    ),
    row!(
        11,
        without_endpoints_calls_are_refused,
        "Without any endpoint, calls are refused at once"
    ),
    row!(
        11,
        first_endpoint_serves_the_next_call,
        "When the first endpoint comes, the next call is answered, over UDP also from the same port"
    ),
    row!(
        16,
        removed_pod_gets_nothing_new,
        "A pod that is removed gets no new connection"
    ),
    row!(
        16,
        established_connections_go_on,
        "Established TCP connections to a pod that is removed go on"
    ),
    row!(
        17,
        address_in_two_slices_counts_once,
        "An address in two slices counts once, and as what doesn't terminate"
    ),
];

/// Still answering while it is on its way out.
pub(super) fn draining(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        ready: false,
        terminating: true,
        ..endpoint
    }
}

/// Not answering at all.
pub(super) fn unready(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        ready: false,
        serving: false,
        ..endpoint
    }
}

fn only_ready_pods_are_used(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    let endpoints = vec![
        bench.endpoint(0),
        unready(bench.endpoint(1)),
        draining(bench.endpoint(2)),
    ];
    bench.set_endpoints("web", endpoints)?;
    for protocol in BOTH {
        let to = (bench.cluster_ip(1), 80);
        bench.is_served_by(Place::Client, protocol, to, &["pod-0"])?;
    }
    Ok(())
}

fn draining_pods_serve_when_none_is_ready(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    let endpoints = vec![
        unready(bench.endpoint(0)),
        draining(bench.endpoint(1)),
        draining(bench.endpoint(2)),
    ];
    bench.set_endpoints("web", endpoints)?;
    let to = (bench.cluster_ip(1), 80);
    for protocol in BOTH {
        bench.is_served_by(Place::Client, protocol, to, &["pod-1", "pod-2"])?;
    }
    bench.set_endpoints("web", vec![unready(bench.endpoint(0))])?;
    bench.is_refused(Place::Client, Protocol::Tcp, to)
}

fn without_endpoints_calls_are_refused(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::with_node_ports(
        super::frontends::exposed(bench),
        30080,
    ))?;
    let node = bench.node_addresses()[0];
    for place in EVERYWHERE {
        for protocol in BOTH {
            bench.is_refused(place, protocol, (bench.cluster_ip(1), 80))?;
        }
    }
    for place in [Place::Client, Place::Pod(0)] {
        for (protocol, port) in BOTH.into_iter().zip([30080, 30081]) {
            bench.is_refused(place, protocol, (node, port))?;
            bench.is_refused(place, protocol, (bench.external_ip(), 80))?;
            bench.is_refused(place, protocol, (bench.load_balancer_ip(), 80))?;
        }
    }
    Ok(())
}

fn first_endpoint_serves_the_next_call(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    let to = (bench.cluster_ip(1), 80);
    for place in EVERYWHERE {
        let mut talk = bench.talk(place, Protocol::Udp, to)?;
        let refused = talk.ask();
        if refused.is_ok() {
            return Err(format!(
                "{place:?} was answered by nobody's pod: {refused:?}"
            ));
        }
        bench.is_refused(place, Protocol::Tcp, to)?;
        bench.set_pods("web", &[0])?;
        goes_on(&mut talk, "pod-0")?;
        bench.reaches(place, Protocol::Tcp, to, &["pod-0"])?;
        bench.set_pods("web", &[])?;
    }
    Ok(())
}

fn removed_pod_gets_nothing_new(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0, 1, 2])?;
    let to = (bench.cluster_ip(1), 80);
    for protocol in BOTH {
        bench.is_served_by(Place::Client, protocol, to, &["pod-0", "pod-1", "pod-2"])?;
    }
    bench.set_pods("web", &[0, 2])?;
    let left = ["pod-0", "pod-2"];
    for protocol in BOTH {
        bench.is_served_by(Place::Client, protocol, to, &left)?;
    }
    Ok(())
}

fn established_connections_go_on(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0, 1])?;
    let to = (bench.cluster_ip(1), 80);
    let mut talks = bench.talks(&[Protocol::Tcp], to)?;
    for pods in [&[0][..], &[1], &[], &[2]] {
        bench.set_pods("web", pods)?;
        talks.go_on()?;
    }
    Ok(())
}

fn address_in_two_slices_counts_once(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    let both = vec![bench.endpoint(0), bench.endpoint(1)];
    bench.set_endpoints("web", both)?;
    let mut again = Cluster::slice("web", bench.family, vec![draining(bench.endpoint(0))]);
    again.key.name.push_str("-again");
    let delta = bench.node.cluster.set_slice(again);
    bench.program(&delta)?;
    super::choosing::is_even(bench, Protocol::Tcp, (bench.cluster_ip(1), 80), 1000, 2)
}
