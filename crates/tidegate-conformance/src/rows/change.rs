//! Line 26: changes take effect, and touch nobody else.

use std::time::{Duration, Instant};

use tidegate_model::{Protocol as ServiceProtocol, ServicePort, SessionAffinity, TrafficPolicy};
use tidegate_testnet::{Cluster, Protocol, REMOTE};

use super::frontends::exposed;
use crate::asking::{BOTH, Place};
use crate::rows::{Row, row};
use crate::talking::all_answered;
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        26,
        changes_touch_nobody_else,
        "A change of ports, type, policy, affinity or selector takes effect, and other Services' connections go on"
    ),
    row!(
        26,
        no_call_is_lost_while_backends_change,
        "While backends come and go in quick succession, every call is answered"
    ),
];

/// How long backends change, without pause.
const CHANGES: Duration = Duration::from_secs(3);

/// A change has a moment at which it takes effect. A packet on its way through the rules then must
/// find the backends before it or those after it.
fn no_call_is_lost_while_backends_change(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::with_node_ports(exposed(bench), 30080))?;
    bench.set_pods("web", &[0, 1, REMOTE])?;
    let cluster_ip = (bench.cluster_ip(1), 80);
    let node_port = (bench.node_addresses()[0], 30080);
    let callers = [
        (Place::Pod(1), cluster_ip),
        (Place::Pod(2), cluster_ip),
        (Place::Client, node_port),
        (Place::Client, (bench.external_ip(), 80)),
    ];
    let callers = callers.map(|(place, to)| bench.caller(place, Protocol::Tcp, to));
    let sets: [&[usize]; 4] = [&[0, 1], &[1], &[1, REMOTE], &[0, 1, REMOTE]];
    let begun = Instant::now();
    let mut changed = Ok(());
    for pods in sets.iter().cycle() {
        changed = changed.and_then(|()| bench.set_pods("web", pods));
        if begun.elapsed() > CHANGES {
            break;
        }
    }
    let called = callers.map(all_answered);
    changed?;
    called.into_iter().collect()
}

fn changes_touch_nobody_else(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("other", 2))?;
    bench.set_pods("other", &[1, REMOTE])?;
    let other = (bench.cluster_ip(2), 80);
    let mut talks = bench.talks(&BOTH, other)?;
    let caller = bench.caller(Place::Pod(2), Protocol::Tcp, other);
    let changed = change_everything(bench, |_| talks.go_on());
    let called = all_answered(caller);
    changed.and(called)
}

/// Changes a Service in every way, expects the effect, and looks after each change whether others
/// go on.
fn change_everything(
    bench: &mut Bench,
    mut others_go_on: impl FnMut(&Bench) -> Finding,
) -> Finding {
    let tcp = Protocol::Tcp;
    let cluster_ip = bench.cluster_ip(1);
    let mut web = Cluster::service("web", 1);
    bench.set(&web)?;
    bench.set_pods("web", &[0])?;
    bench.reaches(Place::Client, tcp, (cluster_ip, 80), &["pod-0"])?;
    others_go_on(bench)?;

    web.ports.push(ServicePort {
        name: "more".to_owned(),
        protocol: ServiceProtocol::Tcp,
        port: 81,
        node_port: None,
    });
    bench.set(&web)?;
    bench.is_refused(Place::Client, tcp, (cluster_ip, 81))?;
    web.ports[0].port = 81;
    web.ports.truncate(2);
    bench.set(&web)?;
    bench.reaches(Place::Client, tcp, (cluster_ip, 81), &["pod-0"])?;
    bench.is_refused(Place::Client, tcp, (cluster_ip, 80))?;
    others_go_on(bench)?;

    let web = Cluster::with_node_ports(exposed(bench), 30080);
    bench.set(&web)?;
    let node_port = (bench.node_addresses()[0], 30080);
    for to in [node_port, (bench.external_ip(), 80), (cluster_ip, 80)] {
        bench.reaches(Place::Client, tcp, to, &["pod-0"])?;
    }
    others_go_on(bench)?;

    let mut local = web.clone();
    local.external_policy = TrafficPolicy::Local;
    bench.set(&local)?;
    bench.set_pods("web", &[2, REMOTE])?;
    bench.is_served_by(Place::Client, tcp, node_port, &["pod-2"])?;
    bench.set(&web)?;
    bench.is_served_by(Place::Client, tcp, node_port, &["pod-100", "pod-2"])?;
    others_go_on(bench)?;

    let mut sticky = web;
    sticky.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    bench.set(&sticky)?;
    let with = bench.reply(Place::Client, tcp, (cluster_ip, 80))?.name;
    bench.is_served_by(Place::Client, tcp, (cluster_ip, 80), &[&with])?;
    others_go_on(bench)?;

    bench.remove("web")?;
    bench.is_refused(Place::Client, tcp, node_port)?;
    others_go_on(bench)
}
