//! The tables of figures.

use crate::report::ratios::{Pick, growth, to_direct, to_haproxy};
use crate::results::{DIRECT, Peer, Results, TRACKED};
use crate::series::median;
use tidegate_figures::Table;
use tidegate_figures::{short, thousands, time, times};

/// What is quoted: every competitor's ratios, those with Services at the most of them.
pub(super) fn ratios(results: &Results) -> Table {
    let columns: [(&str, Pick, bool); 6] = [
        (
            "`connect` p50 to direct",
            |traffic| &traffic.connect_p50,
            false,
        ),
        (
            "first answer p50 to direct",
            |traffic| &traffic.answer_p50,
            false,
        ),
        (
            "connections/s to direct",
            |traffic| &traffic.connections.per_second,
            false,
        ),
        (
            "connections/s to HAProxy",
            |traffic| &traffic.connections.per_second,
            true,
        ),
        (
            "requests/s to direct",
            |traffic| &traffic.requests.per_second,
            false,
        ),
        (
            "requests/s to HAProxy",
            |traffic| &traffic.requests.per_second,
            true,
        ),
    ];
    let heads = columns.iter().map(|(head, _, _)| *head);
    let mut table = Table::new(
        ["", "p50 from fewest to most Services"]
            .into_iter()
            .chain(heads),
    );
    for peer in results
        .peers
        .iter()
        .filter(|peer| peer.services.is_none() || peer.services == results.sizes().last().copied())
    {
        let grown = growth(results, &peer.name, |traffic| &traffic.answer_p50);
        let grown = grown.map(|growth| format!("{:+.1} %", growth * 100.0));
        let cells = columns.iter().map(|(_, pick, beside_haproxy)| {
            let ratio = match beside_haproxy {
                true => to_haproxy(results, peer, *pick),
                false => to_direct(results, peer, *pick),
            };
            ratio.map(times)
        });
        table.row(&peer.name, std::iter::once(grown).chain(cells));
    }
    table
}

fn heads(results: &Results, first: &str) -> Vec<String> {
    let sizes = results.sizes();
    let sizes = sizes.iter().map(|size| thousands(i64::from(*size)));
    std::iter::once(first.to_owned()).chain(sizes).collect()
}

/// A row a competitor, a column a number of Services.
pub(super) fn by_size(results: &Results, cell: impl Fn(&Peer) -> Option<String>) -> Table {
    let mut table = Table::new(heads(results, "Services"));
    for name in results.names() {
        let cells = results
            .sizes()
            .into_iter()
            .map(|size| results.peer(name, Some(size)).and_then(&cell));
        table.row(name, cells);
    }
    table
}

/// A row a competitor, a column a number of Services: through the first and through the last.
pub(super) fn first_and_last(results: &Results, pick: Pick) -> Table {
    let mut table = Table::new(heads(results, "Services"));
    for name in [DIRECT, TRACKED] {
        if let Some(peer) = results.peer(name, None) {
            let value = pick(&peer.first).median().map(short);
            table.row(name, results.sizes().iter().map(|_| value.clone()));
        }
    }
    for name in results.names() {
        let cells = results.sizes().into_iter().map(|size| {
            let peer = results.peer(name, Some(size))?;
            let first = pick(&peer.first).median().map(short)?;
            let last = peer.last.as_ref().and_then(|last| pick(last).median());
            Some(last.map_or(first.clone(), |last| format!("{first} / {}", short(last))))
        });
        table.row(name, cells);
    }
    table
}

/// The tools that only load rules.
pub(super) fn plain_tools(results: &Results) -> Table {
    let mut table = Table::new(["", "Services", "from empty", "one change"]);
    for plain in &results.plain_tools {
        let change = median(plain.change_seconds.clone());
        let cells = [
            Some(thousands(i64::from(plain.services))),
            Some(time(plain.program_seconds)),
            change.map(time),
        ];
        table.row(&plain.tool, cells);
    }
    table
}

/// What became of big answers.
pub(super) fn bulk(results: &Results) -> Table {
    let mut table = Table::new([
        "",
        "MiB/s",
        "µs of the machine for a MiB",
        "µs of the process for a MiB",
    ]);
    for peer in results.peers.iter() {
        if let Some(bulk) = &peer.first.bulk {
            let own = bulk.own_cpu.as_ref().and_then(|own| own.median());
            let cells = [bulk.per_second.median(), bulk.cpu.median(), own];
            table.row(&peer.name, cells.map(|value| value.map(short)));
        }
    }
    table
}
