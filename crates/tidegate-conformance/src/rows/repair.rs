//! Lines 28 to 30: restarts, other people's hands, and a change of mode.

use std::sync::Arc;

use tidegate_dataplane::Retired;
use tidegate_testnet::{Cluster, Protocol, REMOTE};

use crate::asking::Place;
use crate::rows::{Row, row};
use crate::talking::{all_answered, goes_on, partner};
use crate::{Bench, Finding, Kills, Losses, Mode, mode};

pub(super) const ROWS: &[Row] = &[
    row!(
        28,
        restart_disturbs_nobody,
        "A restart of the proxy disturbs no connection, new or established, and finds nothing to repair"
    ),
    row!(
        28,
        restart_catches_up,
        "What changed while the proxy was away is in force after its start"
    ),
    row!(
        28,
        killed_at_any_point,
        "A proxy killed in the middle of changes disturbs no other Service, and the next start repairs"
    ),
    row!(
        29,
        flushed_rules_come_back,
        "Rules that somebody flushed are found missing and come back"
    ),
    row!(
        29,
        edited_rules_come_back,
        "Rules that somebody edited are found out, named, and repaired"
    ),
    row!(
        30,
        switching_from_another_mode,
        "Switching to this mode: new connections are served throughout, established ones go on"
    ),
    row!(
        30,
        switching_to_another_mode,
        "Switching from this mode: new connections are served throughout, established ones go on"
    ),
];

/// How often the proxy is killed here. The suite's option `--kills` does it more often.
const KILLS: u32 = 5;

fn restart_disturbs_nobody(bench: &mut Bench) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0, REMOTE])?;
    let to = (bench.cluster_ip(1), 80);
    let mut talks = bench.talks(&[Protocol::Tcp], to)?;
    let caller = bench.caller(Place::Client, Protocol::Tcp, to);
    let mut restarted = Ok(());
    for _ in 0..3 {
        bench.node.restart();
        restarted = restarted.and(bench.audit().and_then(
            |outcome| match outcome.drift.is_empty() {
                true => Ok(()),
                false => Err(format!("a restart repairs {:?}", outcome.drift)),
            },
        ));
    }
    let called = all_answered(caller);
    restarted?;
    called?;
    talks.go_on()
}

fn restart_catches_up(bench: &mut Bench) -> Finding {
    for service in [Cluster::service("web", 1), Cluster::service("gone", 2)] {
        bench.set(&service)?;
    }
    bench.set_pods("web", &[0])?;
    bench.set_pods("gone", &[1])?;
    bench.node.restart();
    // Only the snapshot hears of these.
    bench.node.cluster.set_pods("web", &[1]);
    bench.node.cluster.remove("gone");
    bench.node.cluster.set(Cluster::service("new", 3));
    bench.node.cluster.set_pods("new", &[2]);
    bench.audit()?;
    let at = |last| (bench.cluster_ip(last), 80);
    bench.is_served_by(Place::Client, Protocol::Tcp, at(1), &["pod-1"])?;
    bench.is_served_by(Place::Client, Protocol::Tcp, at(3), &["pod-2"])?;
    bench.are_silent(&[(Place::Client, Protocol::Tcp, at(2))])
}

fn killed_at_any_point(bench: &mut Bench) -> Finding {
    let kills = Kills {
        mode: bench.mode,
        program: bench.program.clone(),
        families: vec![bench.family],
        kills: KILLS,
        seed: 28,
        losses: Losses::Nothing,
    };
    kills.run().map(drop)
}

fn flushed_rules_come_back(bench: &mut Bench) -> Finding {
    is_repaired(bench, bench.mode.flush)
}

fn edited_rules_come_back(bench: &mut Bench) -> Finding {
    is_repaired(bench, bench.mode.edit)
}

fn is_repaired(bench: &mut Bench, harm: &[&str]) -> Finding {
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0])?;
    let to = (bench.cluster_ip(1), 80);
    bench.reaches(Place::Client, Protocol::Tcp, to, &["pod-0"])?;
    for command in harm {
        bench.host(Place::Node).run(command);
    }
    let harmless = bench.are_silent(&[(Place::Client, Protocol::Tcp, to)]);
    let refused = bench.is_refused(Place::Client, Protocol::Tcp, to);
    if harmless.is_err() && refused.is_err() {
        return Err(format!("{harm:?} did no harm"));
    }
    let outcome = bench.audit()?;
    if outcome.drift.is_empty() {
        return Err("the audit doesn't say what was missing".to_owned());
    }
    bench.reaches(Place::Client, Protocol::Tcp, to, &["pod-0"])?;
    match bench.audit()?.drift.as_slice() {
        [] => Ok(()),
        drift => Err(format!("a second audit still repairs {drift:?}")),
    }
}

fn switching_from_another_mode(bench: &mut Bench) -> Finding {
    let (neighbour, this) = (neighbour(bench)?, bench.mode);
    switches(bench, neighbour, this)
}

fn switching_to_another_mode(bench: &mut Bench) -> Finding {
    let (this, neighbour) = (bench.mode, neighbour(bench)?);
    switches(bench, this, neighbour)
}

fn neighbour(bench: &Bench) -> Finding<Mode> {
    let name = bench.mode.neighbour;
    mode(name).ok_or_else(|| format!("there is no mode {name}"))
}

fn switches(bench: &mut Bench, from: Mode, to: Mode) -> Finding {
    drop(bench.node.replace(Arc::new(from.open)));
    bench.set(&Cluster::service("web", 1))?;
    bench.set_pods("web", &[0, REMOTE])?;
    let web = (bench.cluster_ip(1), 80);
    let mut talk = bench.talk(Place::Client, Protocol::Tcp, web)?;
    let with = partner(&mut talk)?;
    let caller = bench.caller(Place::Pod(1), Protocol::Tcp, web);
    let mut before = bench.node.replace(Arc::new(to.open));
    bench.audit()?;
    let next = bench.caller(Place::Pod(1), Protocol::Tcp, web);
    let told = |why| format!("while {} came beside {}: {why}", to.name, from.name);
    all_answered(caller).map_err(told)?;
    let (retired, before) = bench.host(Place::Node).with(move || {
        let retired = before.retire();
        (retired, before)
    });
    let retired = retired.map_err(|error| error.to_string())?;
    for _ in 0..20 {
        bench.reply(Place::Client, Protocol::Tcp, web)?;
    }
    let told = |why| format!("when {} gave way to {}: {why}", from.name, to.name);
    all_answered(next).map_err(told)?;
    // Only now, since clients that take turns at a round robin each see one backend.
    let all = ["pod-0", "pod-100"];
    bench.is_served_by(Place::Client, Protocol::Tcp, web, &all)?;
    goes_on(&mut talk, &with)?;
    drop(talk);
    // Whatever still carries connections ends with them.
    let mut waiting = (retired != Retired::Gone).then_some(before);
    bench.eventually(|bench| {
        let Some(mut mode) = waiting.take() else {
            return Ok(());
        };
        let (retired, mode) = bench.host(Place::Node).with(move || {
            let retired = mode.retire();
            (retired, mode)
        });
        match retired.map_err(|error| error.to_string())? {
            Retired::Gone => Ok(()),
            Retired::Draining(left) => {
                waiting = Some(mode);
                Err(format!("{left} connections still go through {}", from.name))
            }
        }
    })?;
    bench.set_pods("web", &[2])?;
    bench.is_served_by(Place::Client, Protocol::Tcp, web, &["pod-2"])
}
