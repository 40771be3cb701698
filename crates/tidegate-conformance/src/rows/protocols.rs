//! Line 5: protocols are told apart.

use std::time::Duration;

use tidegate_model::Protocol as ServiceProtocol;
use tidegate_testnet::{Cluster, Protocol, SctpListener, send_sctp_init};

use crate::asking::{BOTH, EVERYWHERE, Place};
use crate::rows::{Row, row};
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        5,
        one_number_on_two_protocols,
        "One number on TCP and on UDP is two service ports"
    ),
    row!(
        5,
        sctp_reaches_its_pod,
        "An SCTP port leads to its pod, and TCP to the same number doesn't",
        Sctp
    ),
];

fn one_number_on_two_protocols(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    let slice = |pod: usize, protocol: ServiceProtocol| {
        let mut slice = Cluster::slice("web", bench.family, vec![bench.endpoint(pod)]);
        slice.key.name.push_str(protocol.lower_name());
        slice.ports.retain(|port| port.protocol == protocol);
        slice
    };
    let slices = [
        slice(0, ServiceProtocol::Tcp),
        slice(1, ServiceProtocol::Udp),
    ];
    for slice in slices {
        let delta = bench.node.cluster.set_slice(slice);
        bench.program(&delta)?;
    }
    let to = (bench.cluster_ip(1), 80);
    for place in EVERYWHERE {
        for (protocol, pod) in BOTH.into_iter().zip(["pod-0", "pod-1"]) {
            for _ in 0..10 {
                bench.reaches(place, protocol, to, &[pod])?;
            }
        }
    }
    let mut only_tcp = Cluster::service("web", 1);
    only_tcp
        .ports
        .retain(|port| port.protocol == ServiceProtocol::Tcp);
    bench.set(&only_tcp)?;
    bench.reaches(Place::Client, Protocol::Tcp, to, &["pod-0"])?;
    bench.is_refused(Place::Client, Protocol::Udp, to)
}

fn sctp_reaches_its_pod(bench: &mut Bench) -> Finding {
    let mut calls = Cluster::service("calls", 1);
    calls.ports.truncate(1);
    calls.ports[0].protocol = ServiceProtocol::Sctp;
    bench.set(&calls)?;
    let mut slice = Cluster::slice("calls", bench.family, vec![bench.endpoint(0)]);
    slice.ports.truncate(1);
    slice.ports[0].protocol = ServiceProtocol::Sctp;
    let delta = bench.node.cluster.set_slice(slice);
    bench.program(&delta)?;
    let (address, pod) = (bench.cluster_ip(1), bench.pod(0));
    let ear = bench
        .host(Place::Pod(0))
        .with(move || SctpListener::open(pod));
    bench
        .host(Place::Client)
        .with(move || send_sctp_init((address, 80).into()));
    if !ear.hears(9376, Duration::from_secs(5)) {
        return Err("an SCTP packet to the cluster IP didn't reach the pod's port".to_owned());
    }
    bench.is_refused(Place::Client, Protocol::Tcp, (address, 80))
}
