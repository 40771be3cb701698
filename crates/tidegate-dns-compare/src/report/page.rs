//! The page of tables.

use std::fmt::Write as _;

use crate::measure::MODEST_RATE;
use crate::questions::Questions;
use crate::report::aims::{self, ratio};
use crate::results::{Peer, Results};
use crate::series::{Series, percentile};
use crate::servers::Kind;
use tidegate_figures::Table;
use tidegate_figures::{short, thousands, time, times};

/// The whole page in Markdown.
pub(crate) fn page(results: &Results) -> String {
    let mut sections = vec![
        include_str!("page_head.md").to_owned(),
        machine(results),
        format!("## To reach\n\n{}", aims::table(results)),
    ];
    sections.extend(aims::bound(results));
    sections.push("![Answers for each second of a server's processor time](dns.svg)\n".to_owned());
    for questions in Questions::ALL {
        sections.push(format!(
            "## {}\n\n{}",
            capital(questions.name()),
            servers(results, questions)
        ));
    }
    sections.push(memory(results));
    sections.push(freshness(results));
    sections.join("\n")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let kind = match machine.is_virtual {
        true => "a virtual machine",
        false => "a machine",
    };
    let whole = |value: u64| thousands(i64::try_from(value).unwrap_or(i64::MAX));
    let versions = results.versions.iter();
    let versions: Vec<String> = versions
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let effort = &results.effort;
    let mut text = format!(
        "Measured in {kind} with {} cores ({}) and {} MiB, {}, Linux {}, {}. {} Services of {} \
         endpoints. {} rounds; in each {} s as fast as is answered and {} s at {} questions a \
         second.\n",
        machine.cores,
        machine.processor,
        whole(machine.memory_mib),
        machine.system,
        machine.kernel,
        versions.join(", "),
        whole(results.services.into()),
        results.endpoints,
        effort.rounds,
        effort.load_seconds,
        effort.steady_seconds,
        whole(MODEST_RATE.into()),
    );
    if results.others_busy > 0.1 {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "\n**Other things kept {:.1} of the processors busy: these figures are not to be \
             quoted.**",
            results.others_busy
        );
    }
    text
}

/// The servers beside each other.
fn servers(results: &Results, questions: Questions) -> Table {
    let mut table = Table::new([
        "",
        "answers/s and core",
        "spread",
        "tidegate is faster",
        "piled up",
        "tidegate is faster",
        "answers/s seen",
        "core busy",
        "average, full",
        "max, full",
        "p50, modest",
        "p99, modest",
        "max, modest",
        "octets",
        "lost",
    ]);
    let peers = results.peers.iter();
    for peer in peers.filter(|peer| peer.questions == questions) {
        table.row(peer.server.name(), cells(results, peer));
    }
    table
}

fn cells(results: &Results, peer: &Peer) -> Vec<Option<String>> {
    let of = |series: &Series, show: fn(f64) -> String| series.median().map(show);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let beside = |pick: fn(&Peer) -> &Series| match peer.server {
        Kind::Tidegate => None,
        other => ratio(results, peer.questions, other, pick),
    };
    vec![
        of(&peer.per_core, short),
        peer.per_core.spread().map(percent),
        beside(|peer| &peer.per_core).map(times),
        of(&peer.piled_up, short),
        beside(|peer| &peer.piled_up).map(times),
        of(&peer.per_second, short),
        peer.busy.median().map(percent),
        of(&peer.full_average, time),
        of(&peer.full_longest, time),
        of(&peer.p50, time),
        of(&peer.p99, time),
        of(&peer.longest, time),
        Some(short(peer.answer_octets)),
        Some(peer.lost.to_string()),
    ]
}

fn memory(results: &Results) -> String {
    let mut table = Table::new(["tidegate's memory", "MiB", "octets a Service or endpoint"]);
    let memory = &results.memory;
    let mebibytes = |octets: f64| Some(short(octets / 1024.0 / 1024.0));
    table.row("empty cluster", [mebibytes(memory.empty), None]);
    for (name, octets) in [
        ("all Services created while it ran", memory.grown),
        ("started with all Services there", memory.started),
    ] {
        let each = short(results.octets_each(octets));
        table.row(name, [mebibytes(octets), Some(each)]);
    }
    format!("## Memory\n\n{table}")
}

fn freshness(results: &Results) -> String {
    let freshness = &results.freshness;
    let mut table = Table::new(["from the API's answer to a write", "until it is seen"]);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        table.row(name, [percentile(&freshness.delays.0, share).map(time)]);
    }
    format!(
        "## How soon a change is seen\n\n{} endpoints replaced by as many writes, {} a second, and \
         {} looks meanwhile.\n\n{table}",
        thousands(i64::try_from(freshness.changes).unwrap_or(i64::MAX)),
        short(freshness.per_second),
        freshness.delays.0.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::made_up;

    #[test]
    fn the_page_has_a_table_for_each_set_of_questions() {
        insta::assert_snapshot!(page(&made_up::results()));
    }

    #[test]
    fn a_busy_machine_is_told() {
        let mut results = made_up::results();
        results.others_busy = 0.8;
        assert!(page(&results).contains("Other things kept 0.8 of the processors busy"));
    }
}
