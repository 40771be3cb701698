//! Line 19: clients that stay with their backend.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tidegate_model::{Service, SessionAffinity};
use tidegate_testnet::{Call, Cluster, Protocol, REMOTE};

use super::backends::unready;
use super::frontends::exposed;
use crate::asking::{BOTH, Place};
use crate::rows::{Row, row};
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        19,
        client_stays_on_all_frontends,
        "With `sessionAffinity: ClientIP`, a client stays with its backend across cluster IP, node port, external and load-balancer IP",
        ClientIpAffinity
    ),
    row!(
        19,
        client_stays_when_backends_come,
        "A client that came by one frontend stays with its backend on all others when backends are added",
        ClientIpAffinity
    ),
    row!(
        19,
        client_stays_past_the_time_out,
        "A client stays as long as its calls are less than the time-out apart",
        ClientIpAffinity
    ),
    row!(
        19,
        clients_spread,
        "Clients with affinity spread over the backends",
        ClientIpAffinity
    ),
    row!(
        19,
        clients_leave_a_backend_that_is_gone,
        "A backend that is gone or unready loses its clients at once",
        ClientIpAffinity
    ),
    row!(
        19,
        affinity_is_turned_on_and_off,
        "Turning affinity on or off takes effect on new connections",
        ClientIpAffinity
    ),
];

fn sticky(bench: &Bench, seconds: u64) -> Service {
    Service {
        affinity: SessionAffinity::ClientIp(Duration::from_secs(seconds)),
        ..Cluster::with_node_ports(exposed(bench), 30080)
    }
}

fn frontends(bench: &Bench, protocol: Protocol) -> [(IpAddr, u16); 4] {
    let node_port = match protocol {
        Protocol::Tcp => 30080,
        Protocol::Udp => 30081,
    };
    [
        (bench.cluster_ip(1), 80),
        (bench.node_addresses()[0], node_port),
        (bench.external_ip(), 80),
        (bench.load_balancer_ip(), 80),
    ]
}

fn client_stays_on_all_frontends(bench: &mut Bench) -> Finding {
    stays_everywhere(bench, &[])
}

fn client_stays_when_backends_come(bench: &mut Bench) -> Finding {
    stays_everywhere(bench, &[REMOTE, REMOTE + 1])
}

/// Expects clients that came by one frontend to stay with their backend on all, also when more
/// backends came meanwhile.
fn stays_everywhere(bench: &mut Bench, more: &[usize]) -> Finding {
    bench.set(&sticky(bench, 600))?;
    for protocol in BOTH {
        bench.set_pods("web", &[0, 1, 2])?;
        let [first, others @ ..] = frontends(bench, protocol);
        let names = bench.names_for(protocol, first)?;
        bench.set_pods("web", &[&[0, 1, 2], more].concat())?;
        for to in others.into_iter().chain([first]) {
            let again = bench.names_for(protocol, to)?;
            if again != names {
                return Err(format!(
                    "clients that {first:?} sent to {names:?} were sent to {again:?} by {to:?}"
                ));
            }
        }
    }
    Ok(())
}

fn client_stays_past_the_time_out(bench: &mut Bench) -> Finding {
    const TIME_OUT: Duration = Duration::from_secs(4);
    const PAUSE: Duration = Duration::from_millis(1500);
    bench.set(&sticky(bench, TIME_OUT.as_secs()))?;
    let to = (bench.cluster_ip(1), 80);
    // A machine that is so slow that calls are further apart than the time-out shows nothing: then
    // it is tried again.
    for _ in 0..10 {
        bench.set_pods("web", &[0, 1, 2])?;
        let mut last = Instant::now();
        let names = bench.names_for(Protocol::Tcp, to)?;
        bench.set_pods("web", &[0, 1, 2, REMOTE, REMOTE + 1])?;
        let begun = Instant::now();
        let mut longest = Duration::ZERO;
        let mut again = Vec::new();
        while begun.elapsed() < TIME_OUT + 2 * PAUSE {
            std::thread::sleep(PAUSE);
            let next = Instant::now();
            again = bench.names_for(Protocol::Tcp, to)?;
            longest = longest.max(last.elapsed());
            last = next;
        }
        match (again == names, longest < TIME_OUT) {
            (_, false) => {}
            (true, true) => return Ok(()),
            (false, true) => {
                return Err(format!(
                    "clients of {names:?} were sent to {again:?} in time"
                ));
            }
        }
    }
    Err("this machine is too slow to call every four seconds".to_owned())
}

fn clients_spread(bench: &mut Bench) -> Finding {
    bench.set(&sticky(bench, 600))?;
    bench.set_pods("web", &[0, 1, 2])?;
    let names = bench.names_for(Protocol::Tcp, (bench.cluster_ip(1), 80))?;
    // By chance, sixteen clients leave one of three pods alone once in 200 runs, and two of them
    // once in five million.
    match names.iter().collect::<BTreeSet<_>>().len() {
        0 | 1 => Err(format!("sixteen clients all reached {}", names[0])),
        _ => Ok(()),
    }
}

fn clients_leave_a_backend_that_is_gone(bench: &mut Bench) -> Finding {
    bench.set(&sticky(bench, 600))?;
    let to = (bench.cluster_ip(1), 80);
    for gone in [false, true] {
        for protocol in BOTH {
            bench.set_pods("web", &[0, 1, 2])?;
            let before = bench.reply(Place::Client, protocol, to)?.name;
            let index = ["pod-0", "pod-1", "pod-2"]
                .iter()
                .position(|name| *name == before);
            let index = index.ok_or_else(|| format!("{before} answered"))?;
            let mut endpoints = [0, 1, 2].map(|pod| bench.endpoint(pod)).to_vec();
            match gone {
                true => drop(endpoints.remove(index)),
                false => endpoints[index] = unready(bench.endpoint(index)),
            }
            bench.set_endpoints("web", endpoints)?;
            let after = bench.reply(Place::Client, protocol, to)?.name;
            if after == before {
                return Err(format!("a client stays with {before}, which is gone"));
            }
            for _ in 0..10 {
                bench.reaches(Place::Client, protocol, to, &[&after])?;
            }
        }
    }
    Ok(())
}

fn affinity_is_turned_on_and_off(bench: &mut Bench) -> Finding {
    let mut web = sticky(bench, 600);
    bench.set(&web)?;
    bench.set_pods("web", &[0, 1, 2])?;
    let to = (bench.cluster_ip(1), 80);
    bench.reply(Place::Client, Protocol::Tcp, to)?;
    web.affinity = SessionAffinity::None;
    bench.set(&web)?;
    let all = ["pod-0", "pod-1", "pod-2"];
    bench.is_served_by(Place::Client, Protocol::Tcp, to, &all)?;
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    bench.set(&web)?;
    let call = Call::new(Protocol::Tcp, to.into());
    let stays_with = bench.reply_to(Place::Client, call)?.name;
    bench.is_served_by(Place::Client, Protocol::Tcp, to, &[&stays_with])
}
