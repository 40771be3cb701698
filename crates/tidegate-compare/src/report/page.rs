//! The page of tables.

use std::fmt::Write as _;

use crate::report::plots::PLOTS;
use crate::report::ratios::Pick;
use crate::report::tables::{bulk, by_size, first_and_last, plain_tools, ratios};
use crate::report::{Part, aims};
use crate::results::{Peer, Results};
use tidegate_figures::{short, thousands, time};

/// The whole page in Markdown.
pub(crate) fn page(parts: &[Part<'_>]) -> String {
    let mut text = String::from(include_str!("page_head.md"));
    for part in parts {
        // Writing to a string can't fail.
        let _ = write!(text, "\n{}", of_part(part));
    }
    text
}

fn of_part(part: &Part<'_>) -> String {
    let results = part.results;
    let mut sections = vec![
        format!("## {}\n\n{}{}", part.heading, part.note, machine(results)),
        format!("### To reach\n\n{}", aims::table(results)),
        format!(
            "### Ratios at the most Services\n\nThrough the last Service; each round beside the same round of the other.\n\n{}",
            ratios(results)
        ),
    ];
    for (name, what) in PLOTS {
        sections.push(format!("![{what}]({}{name}.svg)\n", part.prefix));
    }
    sections.push(format!(
        "### Programming\n\nFrom empty (of HAProxy: from its start until it serves):\n\n{}",
        by_size(results, |peer| peer.program_seconds().map(time))
    ));
    if !results.plain_tools.is_empty() {
        sections.push(format!("Loading rules alone:\n\n{}", plain_tools(results)));
    }
    sections.push(format!("One endpoint's change, from the event to the kernel (of HAProxy: an order over its control socket), median:\n\n{}", by_size(results, |peer| peer.one_change().map(time))));
    sections.push(format!(
        "An audit that finds nothing to do:\n\n{}",
        by_size(results, |peer| {
            let programming = peer.programming.as_ref()?;
            Some(time(programming.audit_seconds))
        })
    ));
    sections.push(format!(
        "Memory of the process before and after the traffic, MiB:\n\n{}",
        by_size(results, memory)
    ));
    let traffic: [(&str, Pick); 6] = [
        (
            "### A new connection\n\nµs until `connect` returns, median, through the first and the last Service:",
            |traffic| &traffic.connect_p50,
        ),
        ("99th percentile:", |traffic| &traffic.connect_p99),
        (
            "µs from `connect` to the first answer, median:",
            |traffic| &traffic.answer_p50,
        ),
        ("99th percentile:", |traffic| &traffic.answer_p99),
        (
            "### Under load\n\nNew connections a second, each with one answer, through the first and the last Service:",
            |traffic| &traffic.connections.per_second,
        ),
        (
            "Processor time for each of them, µs of the whole machine, clients and pods included:",
            |traffic| &traffic.connections.cpu,
        ),
    ];
    for (heading, pick) in traffic {
        sections.push(format!("{heading}\n\n{}", first_and_last(results, pick)));
    }
    sections.push(format!(
        "Processor time of the process itself for each of them, µs:\n\n{}",
        by_size(results, |peer| {
            let own = peer.through_last().connections.own_cpu.as_ref()?;
            own.median().map(short)
        })
    ));
    sections.push(format!(
        "Requests a second over connections that stay:\n\n{}",
        first_and_last(results, |traffic| &traffic.requests.per_second)
    ));
    sections.push(format!("Big answers:\n\n{}", bulk(results)));
    sections.extend(failures(results));
    sections.join("\n")
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let kind = match machine.host.is_virtual {
        true => "a virtual machine",
        false => "a machine",
    };
    let cores = match machine.host.cores {
        1 => "one core".to_owned(),
        cores => format!("{cores} cores"),
    };
    let memory = thousands(i64::try_from(machine.host.memory_mib).unwrap_or(i64::MAX));
    let software = [
        Some(machine.host.system.clone()).filter(|system| !system.is_empty()),
        Some(format!("Linux {}", machine.host.kernel)),
        machine
            .haproxy
            .as_ref()
            .map(|version| format!("HAProxy {version}")),
    ];
    let software = software
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    let effort = &results.effort;
    let mut text = format!(
        "Measured in {kind} with {cores} ({}) and {memory} MiB, {software}. {} endpoints a Service. \
         {} rounds of {} single calls, {} rounds of {} ms under load with {} clients ({} for big \
         answers), for each competitor and number of Services.\n",
        machine.host.processor,
        results.endpoints,
        effort.latency_rounds,
        effort.calls,
        effort.load_rounds,
        effort.load_milliseconds,
        effort.clients,
        effort.bulk_clients,
    );
    if machine.has_coarse_clock() {
        let _ = writeln!(
            text,
            "\n**The kernel has only {} for a clock, which steps every few milliseconds: what is \
             shorter than that, as single calls are, was not measured.**",
            machine.clock
        );
    }
    if results.others_busy > 0.1 {
        let _ = writeln!(
            text,
            "\n**Other things kept {:.1} of the processors busy: these figures are not to be \
             quoted.**",
            results.others_busy
        );
    }
    for refused in &results.refused {
        let _ = writeln!(
            text,
            "\nNot possible here: {}: {}",
            refused.mode, refused.reason
        );
    }
    text
}

fn memory(peer: &Peer) -> Option<String> {
    let [before, after] = peer.memory?;
    Some(format!(
        "{} → {}",
        short(before.with_files),
        short(after.with_files)
    ))
}

/// What broke; nothing is said if nothing did.
fn failures(results: &Results) -> Option<String> {
    let mut lines = Vec::new();
    for peer in &results.peers {
        for traffic in std::iter::once(&peer.first).chain(&peer.last) {
            let rates = [
                Some(&traffic.connections),
                Some(&traffic.requests),
                traffic.bulk.as_ref(),
            ];
            let failed: u64 = rates.into_iter().flatten().map(|rate| rate.failed).sum();
            if failed > 0 {
                let services = peer.services.unwrap_or(0);
                lines.push(format!(
                    "* {} at {services} Services: {failed}\n",
                    peer.name
                ));
            }
        }
    }
    (!lines.is_empty()).then(|| {
        format!(
            "Connections that broke before the answer:\n\n{}",
            lines.concat()
        )
    })
}
