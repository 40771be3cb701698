//! Line 25: who may use a load-balancer IP.

use tidegate_model::Service;
use tidegate_testnet::{Call, Cluster, Protocol};

use super::frontends::exposed;
use crate::asking::{BOTH, Place};
use crate::rows::{Row, row};
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        25,
        source_ranges_keep_others_out,
        "`loadBalancerSourceRanges` keeps others away from the load-balancer IP, silently",
        SourceRanges
    ),
    row!(
        25,
        source_ranges_guard_nothing_else,
        "`loadBalancerSourceRanges` guards load-balancer IPs only",
        SourceRanges
    ),
    row!(
        25,
        range_with_the_node_admits_the_node,
        "A range with the node's own address admits all local addresses",
        SourceRanges
    ),
    row!(
        25,
        zero_range_is_no_restriction,
        "A range of `/0` is no restriction",
        SourceRanges
    ),
];

/// With node ports 30080 and 30081, an external and a load-balancer IP, and these ranges.
fn guarded(bench: &Bench, ranges: [&str; 2]) -> Service {
    let parsed = ranges.map(|range| range.parse().expect("a range"));
    Service {
        source_ranges: parsed.to_vec(),
        ..Cluster::with_node_ports(exposed(bench), 30080)
    }
}

/// The client's ranges, without the node's own address in them.
const CLIENT: [&str; 2] = ["192.0.2.2/32", "fd00:c::2/128"];

fn source_ranges_keep_others_out(bench: &mut Bench) -> Finding {
    bench.set(&guarded(bench, CLIENT))?;
    bench.set_pods("web", &[0])?;
    let to = (bench.load_balancer_ip(), 80);
    for protocol in BOTH {
        bench.reaches(Place::Client, protocol, to, &["pod-0"])?;
    }
    let others = [Place::OtherClient, Place::Pod(1), Place::Node];
    let calls = others
        .into_iter()
        .flat_map(|place| BOTH.map(|protocol| (place, protocol, to)));
    let calls: Vec<_> = calls.collect();
    bench.are_silent(&calls)?;
    bench.set(&guarded(bench, ["198.18.2.0/24", "fd00:d::/64"]))?;
    bench.are_silent(&[(Place::Client, Protocol::Tcp, to)])
}

fn source_ranges_guard_nothing_else(bench: &mut Bench) -> Finding {
    bench.set(&guarded(bench, CLIENT))?;
    bench.set_pods("web", &[0])?;
    let node_port = (bench.node_addresses()[0], 30080);
    let open = [
        (bench.cluster_ip(1), 80),
        (bench.external_ip(), 80),
        node_port,
    ];
    for place in [Place::OtherClient, Place::Pod(1), Place::Node] {
        for to in open {
            bench.reaches(place, Protocol::Tcp, to, &["pod-0"])?;
        }
    }
    Ok(())
}

fn range_with_the_node_admits_the_node(bench: &mut Bench) -> Finding {
    bench.set(&guarded(bench, ["192.0.2.1/32", "fd00:c::1/128"]))?;
    bench.set_pods("web", &[0])?;
    let to = (bench.load_balancer_ip(), 80);
    for source in bench.node_addresses() {
        for protocol in BOTH {
            let call = Call::new(protocol, to.into()).from(source, 0);
            bench.reply_to(Place::Node, call)?;
        }
    }
    bench.are_silent(&[
        (Place::Client, Protocol::Tcp, to),
        (Place::Pod(1), Protocol::Tcp, to),
    ])
}

fn zero_range_is_no_restriction(bench: &mut Bench) -> Finding {
    let mut web = guarded(bench, CLIENT);
    for range in ["0.0.0.0/0", "::/0"] {
        web.source_ranges.push(range.parse().expect("a range"));
    }
    bench.set(&web)?;
    bench.set_pods("web", &[0])?;
    let to = (bench.load_balancer_ip(), 80);
    for place in [
        Place::Client,
        Place::OtherClient,
        Place::Pod(1),
        Place::Node,
    ] {
        bench.reaches(place, Protocol::Tcp, to, &["pod-0"])?;
    }
    Ok(())
}
