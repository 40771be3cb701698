//! What was to be reached, beside what was.

use crate::questions::Questions;
use crate::results::{Peer, Results};
use crate::series::{Series, percentile};
use crate::servers::Kind;
use tidegate_figures::Table;
use tidegate_figures::{short, time, times};

/// Octets for each Service and endpoint.
const OCTETS: f64 = 250.0;

/// Seconds until a change is seen.
const SEEN: f64 = 0.02;

/// The table of the aims.
pub(super) fn table(results: &Results) -> Table {
    let mut table = Table::new(["to reach", "aim", "reached", ""]);
    let mut row = |what: String, aim: &str, reached: Option<(String, bool)>| {
        let (reached, verdict) = match reached {
            Some((reached, true)) => (Some(reached), "yes"),
            Some((reached, false)) => (Some(reached), "**no**"),
            None => (None, "not measured"),
        };
        let cells = [Some(aim.to_owned()), reached, Some(verdict.to_owned())];
        table.row(&what, cells);
    };
    for questions in [Questions::Addresses, Questions::Mixed] {
        for (other, least) in [
            (Kind::Knot, 1.0),
            (Kind::Nsd, 1.0),
            (Kind::Unbound, 5.0),
            (Kind::Dnsmasq, 5.0),
        ] {
            let aim = format!("at least {} ×", short(least));
            for (what, pick) in RATES {
                let reached = faster(results, questions, other, pick, least);
                row(rate_beside(questions, what, other), &aim, reached);
            }
        }
        for other in [Kind::Knot, Kind::Nsd, Kind::Unbound, Kind::Dnsmasq] {
            let what = format!("{}: p99 beside {}", questions.name(), other.name());
            row(what, "no more", no_later(results, questions, other));
        }
    }
    let (questions, other) = (Questions::Foreign, Kind::Unbound);
    for (what, pick) in RATES {
        let reached = faster(results, questions, other, pick, 1.0);
        row(
            rate_beside(questions, what, other),
            "at least 1.00 ×",
            reached,
        );
    }
    let most = results.memory.grown.max(results.memory.started);
    let each = results.octets_each(most);
    let reached = (format!("{} octets", short(each)), each <= OCTETS);
    let what = "memory for each Service and endpoint".to_owned();
    row(what, "at most 250 octets", Some(reached));
    let seen = percentile(&results.freshness.delays.0, 0.99);
    let rate = results.freshness.per_second;
    let reached = seen.map(|seen| {
        let text = format!("{} at {} changes a second", time(seen), short(rate));
        // A storm that never was proves nothing.
        (text, seen <= SEEN && rate >= 950.0)
    });
    let what = "a change is seen, p99, at 1,000 changes a second".to_owned();
    row(what, "within 20 ms", reached);
    table
}

/// Picks a figure of a server's.
type Pick = fn(&Peer) -> &Series;

/// Answers a second and core, in both ways in which they are measured.
const RATES: [(&str, Pick); 2] = [
    ("answers a second and core", |peer| &peer.per_core),
    ("the same, piled up,", |peer| &peer.piled_up),
];

fn rate_beside(questions: Questions, what: &str, other: Kind) -> String {
    format!("{}: {what} beside {}", questions.name(), other.name())
}

fn faster(
    results: &Results,
    questions: Questions,
    other: Kind,
    pick: Pick,
    least: f64,
) -> Option<(String, bool)> {
    let ratio = ratio(results, questions, other, pick)?;
    Some((times(ratio), ratio >= least))
}

/// What nobody can do better: the bare echo, beside the caches that are to be left five times behind.
pub(super) fn bound(results: &Results) -> Option<String> {
    let of = |kind: Kind| results.peer(kind, Questions::Addresses);
    let echo = of(Kind::Echo)?;
    let beside = |kind: Kind| Some(times(echo.piled_up.ratio_to(&of(kind)?.piled_up)?));
    Some(format!(
        "The bare echo has {} what unbound has, and {} what dnsmasq has (cluster names, A, piled up): \
         that much the kernel leaves to any server that gets and sends its datagrams by calls to it.\n",
        beside(Kind::Unbound)?,
        beside(Kind::Dnsmasq)?,
    ))
}

fn no_later(results: &Results, questions: Questions, other: Kind) -> Option<(String, bool)> {
    let ratio = ratio(results, questions, other, |peer| &peer.p99)?;
    Some((times(ratio), ratio <= 1.0))
}

/// tidegate's figure beside another server's, each round beside the same round.
pub(super) fn ratio(
    results: &Results,
    questions: Questions,
    other: Kind,
    pick: Pick,
) -> Option<f64> {
    let own = results.peer(Kind::Tidegate, questions)?;
    pick(own).ratio_to(pick(results.peer(other, questions)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::made_up;

    #[test]
    fn each_aim_is_judged_by_its_own_figure() {
        let text = table(&made_up::results()).to_string();
        insta::assert_snapshot!(text);
    }
}
