//! Lines 6 and 7: what no Service claims.

use tidegate_testnet::{Cluster, Protocol};

use super::frontends::exposed;
use crate::asking::{BOTH, EVERYWHERE, Place};
use crate::rows::{Row, row};
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        6,
        unclaimed_port_is_refused,
        "A port of a cluster IP that no Service claims is refused"
    ),
    row!(
        6,
        unallocated_cluster_ip_is_silent,
        "A cluster IP that no Service has is silent"
    ),
    row!(
        6,
        cluster_ip_answers_no_ping,
        "A cluster IP does not answer pings"
    ),
    row!(
        7,
        unclaimed_port_of_external_ip_is_untouched,
        "A port of an external or load-balancer IP that no Service claims is not touched"
    ),
];

fn unclaimed_port_is_refused(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0])?;
    for place in EVERYWHERE {
        for protocol in BOTH {
            bench.is_refused(place, protocol, (bench.cluster_ip(1), 81))?;
        }
    }
    Ok(())
}

fn unallocated_cluster_ip_is_silent(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set(&Cluster::service("gone", 77))?;
    bench.set_pods("web", &[0])?;
    bench.set_pods("gone", &[0])?;
    let gone = (bench.cluster_ip(77), 80);
    bench.reaches(Place::Client, Protocol::Tcp, gone, &["pod-0"])?;
    bench.remove("gone")?;
    let unused = [bench.cluster_ip(77), bench.cluster_ip(78)];
    let calls = EVERYWHERE
        .into_iter()
        .flat_map(|place| unused.map(|address| (place, Protocol::Tcp, (address, 80))));
    let udp = EVERYWHERE.map(|place| (place, Protocol::Udp, (unused[0], 80)));
    let calls: Vec<_> = calls.chain(udp).collect();
    bench.are_silent(&calls)
}

fn cluster_ip_answers_no_ping(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0])?;
    let web = (bench.cluster_ip(1), 80);
    for place in [Place::Pod(0), Place::Client] {
        bench.reaches(place, Protocol::Tcp, web, &["pod-0"])?;
        if !bench.answers_ping(place, bench.node_addresses()[0]) {
            return Err(format!(
                "the node itself doesn't answer a ping of {place:?}"
            ));
        }
        if bench.answers_ping(place, bench.cluster_ip(1)) {
            return Err(format!("the cluster IP answers a ping of {place:?}"));
        }
    }
    Ok(())
}

fn unclaimed_port_of_external_ip_is_untouched(bench: &mut Bench) -> Finding {
    bench.set(&exposed(bench))?;
    bench.set_pods("web", &[0])?;
    for address in [bench.external_ip(), bench.load_balancer_ip()] {
        for place in [Place::Pod(1), Place::Node] {
            bench.reaches(place, Protocol::Tcp, (address, 80), &["pod-0"])?;
            bench.reaches(place, Protocol::Tcp, (address, 81), &["outside"])?;
        }
    }
    Ok(())
}
