//! What was to be reached, beside what was.

use crate::report::ratios::{Pick, against, growth, to_direct, to_haproxy};
use crate::results::{DIRECT, HAPROXY, Peer, PlainTool, Results, TRACKED};
use crate::series::median;
use tidegate_figures::Table;
use tidegate_figures::{time, times};

/// Something to reach.
struct Aim {
    what: String,
    aim: &'static str,
    /// What was reached, and whether that is enough; none if it was not measured.
    reached: Option<(String, bool)>,
}

/// The table of the aims that concern what was measured.
pub(super) fn table(results: &Results) -> Table {
    let mut table = Table::new(["to reach", "aim", "reached", ""]);
    for aim in aims(results) {
        let (reached, verdict) = match aim.reached {
            Some((reached, true)) => (Some(reached), "yes"),
            Some((reached, false)) => (Some(reached), "**no**"),
            None => (None, "not measured"),
        };
        let cells = [Some(aim.aim.to_owned()), reached, Some(verdict.to_owned())];
        table.row(&aim.what, cells);
    }
    table
}

fn aims(results: &Results) -> Vec<Aim> {
    let sizes = results.sizes();
    let Some(most) = sizes.last().copied() else {
        return Vec::new();
    };
    let mut aims = Vec::new();
    for name in results.names() {
        let Some(peer) = results.peer(name, Some(most)) else {
            continue;
        };
        match name {
            "nftables" => {
                aims.push(flat(results, name, most));
                aims.extend(programming(
                    results,
                    peer,
                    "nft",
                    "at least 50 × faster",
                    |ratio| {
                        (
                            format!("{} faster", times(1.0 / ratio)),
                            ratio <= 1.0 / 50.0,
                        )
                    },
                ));
                aims.push(one_change(results, peer, most, "under 5 ms", 5e-3));
                aims.push(keep_alive(results, peer, most));
            }
            "iptables" => {
                aims.extend(programming(
                    results,
                    peer,
                    "iptables",
                    "at most 1.20 ×",
                    |ratio| (times(ratio), ratio <= 1.2),
                ));
                aims.push(one_change_of_iptables(results, peer, most));
                aims.push(keep_alive(results, peer, most));
            }
            "ipvs" => {
                aims.push(flat(results, name, most));
                aims.push(one_change(results, peer, most, "under 5 ms", 5e-3));
                aims.push(keep_alive(results, peer, most));
            }
            "userspace" => aims.extend(beside_haproxy(results, peer, most)),
            _ => {}
        }
    }
    aims
}

fn flat(results: &Results, name: &str, most: u32) -> Aim {
    let growth = growth(results, name, |traffic| &traffic.connect_p50)
        .filter(|_| !results.machine.has_coarse_clock());
    Aim {
        what: format!("{name}: new connections through the last of 1 to {most} Services, p50"),
        aim: "grows by at most 10 %",
        reached: growth.map(|growth| (format!("{:+.1} %", growth * 100.0), growth <= 0.1)),
    }
}

/// A tool that only loads rules, as many as a competitor has; none if it was not measured, which is
/// left out where it would take too long.
fn tool<'a>(results: &'a Results, peer: &Peer, name: &str) -> Option<&'a PlainTool> {
    let mut tools = results.plain_tools.iter();
    tools.find(|plain| plain.tool.starts_with(name) && Some(plain.services) == peer.services)
}

fn programming(
    results: &Results,
    peer: &Peer,
    name: &str,
    aim: &'static str,
    judge: impl Fn(f64) -> (String, bool),
) -> Option<Aim> {
    let tool = tool(results, peer, name)?;
    let ratio = peer.program_seconds().map(|own| own / tool.program_seconds);
    Some(Aim {
        what: format!(
            "{}: programming from empty, beside {}",
            peer.name, tool.tool
        ),
        aim,
        reached: ratio.map(judge),
    })
}

fn one_change(results: &Results, peer: &Peer, most: u32, aim: &'static str, limit: f64) -> Aim {
    Aim {
        what: format!("{}: one endpoint's change at {most} Services", peer.name),
        aim,
        reached: peer
            .one_change()
            .filter(|_| !results.machine.has_coarse_clock())
            .map(|seconds| (time(seconds), seconds < limit)),
    }
}

/// With what a single rule costs at that size, whoever changes it.
fn one_change_of_iptables(results: &Results, peer: &Peer, most: u32) -> Aim {
    let mut aim = one_change(results, peer, most, "under 50 ms", 50e-3);
    let single =
        tool(results, peer, "iptables").and_then(|tool| median(tool.change_seconds.clone()));
    if let (Some((reached, _)), Some(own), Some(single)) =
        (&mut aim.reached, peer.one_change(), single)
    {
        reached.push_str(&format!(
            " ({} one unrelated rule by iptables-restore)",
            times(own / single)
        ));
    }
    aim
}

fn keep_alive(results: &Results, peer: &Peer, most: u32) -> Aim {
    let pick: Pick = |traffic| &traffic.requests.per_second;
    let ratio = to_direct(results, peer, pick);
    let to_tracked = results
        .peer(TRACKED, None)
        .and_then(|tracked| against(peer.through_last(), &tracked.first, pick));
    let reached = ratio.zip(to_tracked).map(|(ratio, to_tracked)| {
        let text = format!("{} ({} to {TRACKED})", times(ratio), times(to_tracked));
        (text, ratio >= 0.97)
    });
    Aim {
        what: format!(
            "{}: requests a second over connections that stay, at {most} Services, beside {DIRECT}",
            peer.name
        ),
        aim: "at least 0.97 ×",
        reached,
    }
}

/// Either aim is enough: more connections, or nearly the same throughput for less.
fn beside_haproxy(results: &Results, peer: &Peer, most: u32) -> [Aim; 2] {
    let connections = to_haproxy(results, peer, |traffic| &traffic.connections.per_second);
    let haproxy = results.peer(HAPROXY, Some(most));
    let bulk = haproxy.and_then(|haproxy| {
        let (own, other) = (peer.first.bulk.as_ref()?, haproxy.first.bulk.as_ref()?);
        let throughput = own.per_second.ratio_to(&other.per_second)?;
        let cpu = own.own_cpu.as_ref()?.median()? / other.own_cpu.as_ref()?.median()?;
        Some((throughput, cpu))
    });
    [
        Aim {
            what: format!("userspace: new connections a second at {most} Services, beside HAProxy"),
            aim: "at least 1.50 × (or the next line)",
            reached: connections.map(|ratio| (times(ratio), ratio >= 1.5)),
        },
        Aim {
            what: "userspace: bytes a second of big answers, beside HAProxy".to_owned(),
            aim: "at least 0.90 × with less processor time",
            reached: bulk.map(|(throughput, cpu)| {
                let reached = format!(
                    "{} with {} the processor time",
                    times(throughput),
                    times(cpu)
                );
                (reached, throughput >= 0.9 && cpu < 1.0)
            }),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::made_up::{Made, mode, results};

    const KERNEL: Made = Made {
        connect: 12.0,
        connections: 18_000.0,
        requests: 97_500.0,
        bulk: 3_900.0,
        own_cpu: 0.0,
    };

    #[test]
    fn what_is_reached_is_told_from_what_is_missed() {
        let mut results = results(&[1, 100]);
        let slower = Made {
            connect: 13.5,
            requests: 90_000.0,
            ..KERNEL
        };
        let proxy = Made {
            connections: 14_000.0,
            bulk: 950.0,
            own_cpu: 400.0,
            ..KERNEL
        };
        results.peers.extend([
            mode("nftables", 1, [0.01, 0.001], KERNEL),
            mode("nftables", 100, [0.1, 0.001], KERNEL),
            mode("iptables", 100, [1.1, 0.12], KERNEL),
            mode("ipvs", 1, [0.01, 0.001], KERNEL),
            mode("ipvs", 100, [0.1, 0.006], slower),
            mode("userspace", 100, [0.1, 0.001], proxy),
        ]);
        results.plain_tools.push(PlainTool {
            tool: "iptables-legacy-restore, the same text".to_owned(),
            services: 100,
            program_seconds: 1.0,
            change_seconds: vec![0.1],
        });
        insta::assert_snapshot!(table(&results), @"
        | to reach | aim | reached |  |
        |---|---:|---:|---:|
        | nftables: new connections through the last of 1 to 100 Services, p50 | grows by at most 10 % | +0.0 % | yes |
        | nftables: programming from empty, beside nft -f, upstream's shape | at least 50 × faster | 100 × faster | yes |
        | nftables: one endpoint's change at 100 Services | under 5 ms | 1.00 ms | yes |
        | nftables: requests a second over connections that stay, at 100 Services, beside direct | at least 0.97 × | 0.97 × (1.03 × to direct, tracked) | yes |
        | iptables: programming from empty, beside iptables-legacy-restore, the same text | at most 1.20 × | 1.10 × | yes |
        | iptables: one endpoint's change at 100 Services | under 50 ms | 120 ms (1.20 × one unrelated rule by iptables-restore) | **no** |
        | iptables: requests a second over connections that stay, at 100 Services, beside direct | at least 0.97 × | 0.97 × (1.03 × to direct, tracked) | yes |
        | ipvs: new connections through the last of 1 to 100 Services, p50 | grows by at most 10 % | +12.5 % | **no** |
        | ipvs: one endpoint's change at 100 Services | under 5 ms | 6.00 ms | **no** |
        | ipvs: requests a second over connections that stay, at 100 Services, beside direct | at least 0.97 × | 0.90 × (0.95 × to direct, tracked) | **no** |
        | userspace: new connections a second at 100 Services, beside HAProxy | at least 1.50 × (or the next line) | 1.40 × | **no** |
        | userspace: bytes a second of big answers, beside HAProxy | at least 0.90 × with less processor time | 0.95 × with 0.80 × the processor time | yes |
        ");
    }
    #[test]
    fn what_a_coarse_clock_can_t_tell_is_not_said_to_be_reached() {
        let mut results = results(&[1, 100]);
        results.machine.clock = "refined-jiffies".to_owned();
        for services in [1, 100] {
            let peer = mode("ipvs", services, [0.1, 0.0], KERNEL);
            results.peers.push(peer);
        }
        let table = table(&results).to_string();
        assert_eq!(table.matches("not measured").count(), 2, "{table}");
    }
}
