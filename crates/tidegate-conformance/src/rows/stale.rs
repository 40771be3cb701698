//! Line 27: what the kernel remembers of backends that are gone.

use tidegate_testnet::{Answer, Call, Cluster, Protocol, Talk};

use crate::asking::{EVERYWHERE, Place};
use crate::rows::{Row, row};
use crate::talking::partner;
use crate::{Bench, Finding};

pub(super) const ROWS: &[Row] = &[
    row!(
        27,
        udp_flow_leaves_a_backend_that_is_gone,
        "A UDP flow to a backend that is gone moves to another one"
    ),
    row!(
        27,
        udp_flow_is_refused_at_zero_endpoints,
        "A UDP flow is refused when the last endpoint goes, and served when one comes back"
    ),
    row!(
        27,
        udp_flow_follows_a_service_made_anew,
        "A UDP flow follows a Service that is made anew with another endpoint"
    ),
    row!(
        27,
        unanswered_tcp_is_led_elsewhere,
        "A TCP connection that a dead backend never answered is led to a living one"
    ),
];

fn game(bench: &Bench, place: Place) -> Finding<Talk> {
    bench.talk(place, Protocol::Udp, (bench.cluster_ip(1), 80))
}

/// The kernel forgets a moment after the rules have changed.
fn moves_to(bench: &mut Bench, talk: &mut Talk, name: &str) -> Finding {
    bench.eventually(|_| match partner(talk)? {
        now if now == name => Ok(()),
        now => Err(format!("a UDP flow still leads to {now}, not to {name}")),
    })
}

fn udp_flow_leaves_a_backend_that_is_gone(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    for place in EVERYWHERE {
        bench.set_pods("web", &[0, 1])?;
        let mut talk = game(bench, place)?;
        let left = usize::from(partner(&mut talk)? == "pod-0");
        bench.set_pods("web", &[left])?;
        moves_to(bench, &mut talk, &format!("pod-{left}"))?;
    }
    Ok(())
}

fn udp_flow_is_refused_at_zero_endpoints(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    for place in EVERYWHERE {
        bench.set_pods("web", &[1])?;
        let mut talk = game(bench, place)?;
        partner(&mut talk)?;
        bench.set_pods("web", &[])?;
        bench.eventually(|_| match talk.ask() {
            Err(Answer::Refused) => Ok(()),
            other => Err(format!("a UDP flow is not refused: {other:?}")),
        })?;
        bench.set_pods("web", &[2])?;
        moves_to(bench, &mut talk, "pod-2")?;
    }
    Ok(())
}

fn udp_flow_follows_a_service_made_anew(bench: &mut Bench) -> Finding {
    for place in EVERYWHERE {
        bench.set(&Cluster::service("web", 1))?;
        bench.set_pods("web", &[1])?;
        let mut talk = game(bench, place)?;
        partner(&mut talk)?;
        bench.remove("web")?;
        bench.set(&Cluster::service("web", 1))?;
        bench.set_pods("web", &[2])?;
        moves_to(bench, &mut talk, "pod-2")?;
        bench.remove("web")?;
    }
    Ok(())
}

fn unanswered_tcp_is_led_elsewhere(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    // Nobody has the address of pod 88, and nothing comes back from there.
    bench.set_pods("web", &[88])?;
    let to = (bench.cluster_ip(1), 80);
    let call = Call::new(Protocol::Tcp, to.into());
    let patience = std::time::Duration::from_secs(30);
    let waiting = bench
        .host(Place::Client)
        .start(move || call.patience(patience).make());
    // The first packet is surely on its way when a second call would have been made.
    std::thread::sleep(std::time::Duration::from_millis(300));
    bench.set_pods("web", &[0])?;
    match waiting.recv() {
        Ok(Answer::From(name, _)) if name == "pod-0" => Ok(()),
        other => Err(format!("a call that waited for a dead pod got {other:?}")),
    }
}
