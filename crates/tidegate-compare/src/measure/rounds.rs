//! Rounds of traffic: every place of every competitor in turn.

use std::time::Instant;

use crate::options::Effort;
use crate::process::{busy_seconds, cpu_seconds};
use crate::progress::tell;
use crate::series::percentile;
use crate::traffic::latency;
use crate::traffic::load::{self, Load};
use crate::traffic::{BIG_ANSWER, SMALL_ANSWER};

use super::competitor::Competitor;

/// How many calls, or how much of a load, go before the first round counts.
const WARM_UP: usize = 20;

/// How many processors are busy while all competitors are there and nobody calls them: what is not
/// theirs.
pub(super) fn others_busy(effort: &Effort) -> anyhow::Result<f64> {
    let (begun, before) = (Instant::now(), busy_seconds()?);
    std::thread::sleep(effort.load() * 5);
    Ok((busy_seconds()? - before) / begun.elapsed().as_secs_f64())
}

/// Loads every competitor and notes what its clients found.
pub(super) fn run(
    competitors: &mut [Competitor],
    effort: &Effort,
    threads: usize,
    others_busy: f64,
) -> anyhow::Result<()> {
    for (name, calls, rounds) in [
        ("warming up", WARM_UP, 1),
        (
            "new connections, one at a time",
            effort.calls,
            effort.latency_rounds,
        ),
    ] {
        for round in 0..rounds {
            tell(&format!("{name}: round {} of {rounds}", round + 1));
            in_turn(competitors, round, |competitor, place| {
                call(competitor, place, calls)
            })?;
        }
        if name == "warming up" {
            competitors.iter_mut().for_each(forget);
        }
    }
    let most = competitors.iter().filter_map(|one| one.peer.services).max();
    let loads = [
        ("new connections, many at a time", Kind::Connections),
        ("requests over connections that stay", Kind::Requests),
        ("big answers", Kind::Bulk),
    ];
    for (name, kind) in loads {
        for round in 0..effort.load_rounds {
            tell(&format!(
                "{name}: round {} of {}",
                round + 1,
                effort.load_rounds
            ));
            in_turn(competitors, round, |competitor, place| {
                // How big answers move doesn't depend on how many Services there are.
                let is_asked = kind != Kind::Bulk
                    || (place == 0 && [None, most].contains(&competitor.peer.services));
                match is_asked {
                    true => put_load(
                        competitor,
                        place,
                        kind,
                        load(kind, effort, threads),
                        others_busy,
                    ),
                    false => Ok(()),
                }
            })?;
        }
    }
    Ok(())
}

/// What is done under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connections,
    Requests,
    Bulk,
}

/// Goes through all places once. Each round begins with another one, so that nobody always follows
/// the same neighbour's rest.
fn in_turn(
    competitors: &mut [Competitor],
    round: usize,
    mut visit: impl FnMut(&mut Competitor, usize) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let count = competitors.len();
    for step in 0..count {
        let competitor = &mut competitors[(step + round) % count];
        for place in 0..competitor.places.len() {
            visit(competitor, place)?;
        }
    }
    Ok(())
}

fn call(competitor: &mut Competitor, place: usize, times: usize) -> anyhow::Result<()> {
    let to = competitor.places[place];
    let calls = competitor
        .site
        .client
        .with(move || latency::call(to, times))?;
    let traffic = competitor.traffic(place);
    for (series, values, share) in [
        (&mut traffic.connect_p50, &calls.connect, 0.5),
        (&mut traffic.connect_p99, &calls.connect, 0.99),
        (&mut traffic.answer_p50, &calls.answer, 0.5),
        (&mut traffic.answer_p99, &calls.answer, 0.99),
    ] {
        series.0.extend(percentile(values, share));
    }
    Ok(())
}

fn forget(competitor: &mut Competitor) {
    competitor.peer.first = Default::default();
    competitor.peer.last = None;
}

/// What clients do for a kind.
fn load(kind: Kind, effort: &Effort, threads: usize) -> Load {
    let (clients, answer) = match kind {
        Kind::Bulk => (effort.bulk_clients, BIG_ANSWER),
        Kind::Connections | Kind::Requests => (effort.clients, SMALL_ANSWER),
    };
    Load {
        clients,
        threads,
        duration: effort.load(),
        answer,
        keep_alive: kind != Kind::Connections,
    }
}

fn put_load(
    competitor: &mut Competitor,
    place: usize,
    kind: Kind,
    load: Load,
    others_busy: f64,
) -> anyhow::Result<()> {
    let to = competitor.places[place];
    let own = competitor.process();
    let own_seconds = || own.map(cpu_seconds).transpose();
    let before = (busy_seconds()?, own_seconds()?);
    let counted = competitor.site.client.with(move || load::run(to, load))?;
    let after = (busy_seconds()?, own_seconds()?);
    let traffic = competitor.traffic(place);
    let rate = match kind {
        Kind::Connections => &mut traffic.connections,
        Kind::Requests => &mut traffic.requests,
        Kind::Bulk => traffic.bulk.get_or_insert_default(),
    };
    let done = counted.answered as f64;
    let busy = after.0 - before.0 - others_busy * counted.seconds;
    rate.failed += counted.failed;
    rate.per_second.0.push(done / counted.seconds);
    rate.cpu.0.push(busy.max(0.0) / done * 1e6);
    if let (Some(before), Some(after)) = (before.1, after.1) {
        let own_cpu = rate.own_cpu.get_or_insert_default();
        own_cpu.0.push((after - before) / done * 1e6);
    }
    Ok(())
}
