//! The servers in turn, round by round, with every set of questions.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::cluster::Size;
use crate::dnsperf::{Outcome, Pace, Run};
use crate::measure::say;
use crate::options::Effort;
use crate::process::{CLIENTS_CORE, SERVERS_CORE};
use crate::questions::Questions;
use crate::results::Peer;
use crate::servers::{Kind, Server};

/// Questions a second at the modest rate: what every one of the servers has time for.
pub(crate) const MODEST_RATE: u32 = 20_000;

/// How far the shares of two servers' codes may lie apart, in points, so that they count as the same.
const SAME_CODES: f64 = 0.5;

/// Measures all servers.
pub(super) fn measure(
    servers: &[Server],
    directory: &Path,
    size: Size,
    cluster_ips: &[String],
    effort: Effort,
) -> anyhow::Result<Vec<Peer>> {
    let mut peers = Vec::new();
    for questions in Questions::ALL {
        let text = questions.text(size, cluster_ips);
        std::fs::write(file(directory, questions), text)?;
        let those = servers
            .iter()
            .filter(|server| answers(server.kind, questions));
        for server in those {
            let mut peer = Peer::new(server.kind, questions);
            let answered = warm(server, directory, &mut peer);
            answered.with_context(|| format!("{}: {}", server.kind.name(), questions.name()))?;
            peers.push(peer);
        }
    }
    are_same(&peers)?;
    for round in 0..effort.rounds {
        say(format_args!("round {} of {}", round + 1, effort.rounds));
        let count = peers.len();
        for at in 0..count {
            // Another one begins each time.
            let peer = &mut peers[(at + round) % count];
            let server = servers.iter().find(|server| server.kind == peer.server);
            let server = server.context("every peer is a server")?;
            warm(server, directory, peer)?;
            load(server, directory, peer, effort)?;
        }
    }
    Ok(peers)
}

/// Whether a server is asked these questions: whose zones are files has no need to ask others, and
/// what an echo takes doesn't depend on the question.
fn answers(kind: Kind, questions: Questions) -> bool {
    match kind {
        Kind::Knot | Kind::Nsd => questions != Questions::Foreign,
        Kind::Echo => questions == Questions::Addresses,
        Kind::Tidegate | Kind::Unbound | Kind::Dnsmasq => true,
    }
}

fn file(directory: &Path, questions: Questions) -> std::path::PathBuf {
    directory.join(match questions {
        Questions::Addresses => "addresses",
        Questions::Mixed => "mixed",
        Questions::Foreign => "foreign",
    })
}

/// Asks every question once, so that all caches are full, and notes what is answered.
fn warm(server: &Server, directory: &Path, peer: &mut Peer) -> anyhow::Result<()> {
    let outcome = run(server, directory, peer.questions, Pace::Once, CLIENTS_CORE)?;
    ensure!(outcome.completed > 0, "no question is answered");
    peer.codes = outcome.codes;
    peer.answer_octets = outcome.answer_octets;
    Ok(())
}

/// Asks as fast as is answered, from another core and from the server's, and then at the modest rate.
fn load(server: &Server, directory: &Path, peer: &mut Peer, effort: Effort) -> anyhow::Result<()> {
    let pace = Pace::Full {
        seconds: effort.load_seconds,
    };
    let full = timed(server, directory, peer.questions, pace, CLIENTS_CORE)?;
    peer.per_core.0.push(full.per_core);
    peer.busy.0.push(full.busy);
    let full = full.outcome;
    peer.per_second.0.push(full.per_second);
    peer.full_average.0.push(full.average);
    peer.full_longest.0.push(full.longest);
    let piled_up = timed(server, directory, peer.questions, pace, SERVERS_CORE)?;
    peer.piled_up.0.push(piled_up.per_core);
    let pace = Pace::Steady {
        rate: MODEST_RATE,
        seconds: effort.steady_seconds,
    };
    let steady = run(server, directory, peer.questions, pace, CLIENTS_CORE)?;
    peer.p50.0.extend(steady.p50);
    peer.p99.0.extend(steady.p99);
    peer.longest.0.push(steady.longest);
    peer.lost += full.lost + piled_up.outcome.lost + steady.lost;
    Ok(())
}

/// What a run found, and what it took.
struct Timed {
    outcome: Outcome,
    /// Answers for each second of the server's processor time.
    per_core: f64,
    /// The server's share of a core.
    busy: f64,
}

fn timed(
    server: &Server,
    directory: &Path,
    questions: Questions,
    pace: Pace,
    core: &str,
) -> anyhow::Result<Timed> {
    let (before, begun) = (server.running.cpu_seconds()?, Instant::now());
    let outcome = run(server, directory, questions, pace, core)?;
    let seconds = server.running.cpu_seconds()? - before;
    Ok(Timed {
        // The kernel's accounting has steps of a hundredth.
        per_core: outcome.completed as f64 / seconds.max(0.01),
        busy: seconds / begun.elapsed().as_secs_f64(),
        outcome,
    })
}

fn run(
    server: &Server,
    directory: &Path,
    questions: Questions,
    pace: Pace,
    core: &str,
) -> anyhow::Result<Outcome> {
    let run = Run {
        port: server.kind.port(),
        file: &file(directory, questions).display().to_string(),
        with_edns: questions.with_edns(),
        core,
        pace,
    };
    run.run()
}

/// Figures of servers that answer differently can't be compared.
fn are_same(peers: &[Peer]) -> anyhow::Result<()> {
    // An echo only seems to answer.
    let servers = || peers.iter().filter(|peer| peer.server != Kind::Echo);
    for peer in servers() {
        let mut those = servers();
        let first = those.find(|one| one.questions == peer.questions);
        let Some(first) = first else { continue };
        let share = |of: &Peer, code: &str| {
            let mut codes = of.codes.iter();
            codes
                .find(|(name, _)| name == code)
                .map_or(0.0, |one| one.1)
        };
        let codes = first.codes.iter().chain(&peer.codes);
        for (code, _) in codes {
            ensure!(
                (share(first, code) - share(peer, code)).abs() < SAME_CODES,
                "{}: {} answers {:?}, {} {:?}",
                peer.questions.name(),
                first.server.name(),
                first.codes,
                peer.server.name(),
                peer.codes
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_answer_differently_aren_t_compared() {
        let peer = |server, codes: &[(&str, f64)]| Peer {
            codes: codes
                .iter()
                .map(|(name, share)| ((*name).to_owned(), *share))
                .collect(),
            ..Peer::new(server, Questions::Mixed)
        };
        let right = peer(Kind::Tidegate, &[("NOERROR", 90.0), ("NXDOMAIN", 10.0)]);
        let alike = peer(Kind::Knot, &[("NOERROR", 90.1), ("NXDOMAIN", 9.9)]);
        let wrong = peer(Kind::Nsd, &[("NOERROR", 90.0), ("REFUSED", 10.0)]);
        assert!(are_same(&[right.clone(), alike]).is_ok());
        let error = are_same(&[right, wrong])
            .expect_err("they differ")
            .to_string();
        assert!(
            error.contains("NSD [(\"NOERROR\", 90.0), (\"REFUSED\", 10.0)]"),
            "{error}"
        );
    }
}
