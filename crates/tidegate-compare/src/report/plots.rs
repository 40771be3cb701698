//! The plots: what becomes of a figure as Services get more.

use crate::report::Part;
use crate::report::chart::{Chart, Line};
use crate::report::frame::Scale;
use crate::results::{DIRECT, Peer, PlainTool, Results, TRACKED};
use crate::series::median;

/// The plots' names and what they show.
pub(super) const PLOTS: [(&str, &str); 4] = [
    (
        "latency",
        "A new connection through the last Service, until the first answer, p50",
    ),
    (
        "connections",
        "New connections a second through the last Service",
    ),
    ("programming", "Time to program all Services from empty"),
    (
        "change",
        "One endpoint's change, from the event to the kernel, p50",
    ),
];

/// Every plot of a part: its file's name and its content.
pub(crate) fn plots(part: &Part<'_>) -> Vec<(String, String)> {
    let results = part.results;
    let milliseconds = |seconds: f64| seconds * 1e3;
    let bodies = [
        (
            "µs",
            Scale::FromZero,
            traffic(results, |peer| peer.through_last().answer_p50.median()),
        ),
        (
            "connections a second",
            Scale::FromZero,
            traffic(results, |peer| {
                peer.through_last().connections.per_second.median()
            }),
        ),
        (
            "ms",
            Scale::Logarithmic,
            programming(
                results,
                |peer| peer.program_seconds().map(milliseconds),
                |tool| Some(milliseconds(tool.program_seconds)),
            ),
        ),
        (
            "ms",
            Scale::Logarithmic,
            programming(
                results,
                |peer| peer.one_change().map(milliseconds),
                |tool| median(tool.change_seconds.clone()).map(milliseconds),
            ),
        ),
    ];
    let named = PLOTS.into_iter().zip(bodies);
    named
        .map(|((name, title), (unit, scale, lines))| {
            let chart = Chart {
                title,
                unit,
                scale,
                lines,
            };
            (format!("{}{name}.svg", part.prefix), chart.svg())
        })
        .collect()
}

/// The competitors, and the floors as level lines.
fn traffic(results: &Results, figure: impl Fn(&Peer) -> Option<f64>) -> Vec<Line> {
    let floor = |name: &str| {
        let value = results.peer(name, None).and_then(&figure);
        let sizes = results.sizes().into_iter();
        Line {
            name: name.to_owned(),
            dashed: true,
            points: sizes
                .filter_map(|size| Some((f64::from(size), value?)))
                .collect(),
        }
    };
    let floors = [DIRECT, TRACKED].map(floor);
    floors.into_iter().chain(peers(results, &figure)).collect()
}

/// The competitors, and the tools that only load rules.
fn programming(
    results: &Results,
    of_peer: impl Fn(&Peer) -> Option<f64>,
    of_tool: impl Fn(&PlainTool) -> Option<f64>,
) -> Vec<Line> {
    let mut lines: Vec<Line> = peers(results, &of_peer).collect();
    for tool in &results.plain_tools {
        let Some(value) = of_tool(tool) else { continue };
        let point = (f64::from(tool.services), value);
        match lines.iter_mut().find(|line| line.name == tool.tool) {
            Some(line) => line.points.push(point),
            None => lines.push(Line {
                name: tool.tool.clone(),
                dashed: true,
                points: vec![point],
            }),
        }
    }
    lines
}

fn peers(results: &Results, figure: &impl Fn(&Peer) -> Option<f64>) -> impl Iterator<Item = Line> {
    results.names().into_iter().map(|name| {
        let sizes = results.sizes().into_iter();
        let points = sizes.filter_map(|size| {
            let peer = results.peer(name, Some(size))?;
            Some((f64::from(size), figure(peer)?))
        });
        Line {
            name: name.to_owned(),
            dashed: false,
            points: points.collect(),
        }
    })
}
