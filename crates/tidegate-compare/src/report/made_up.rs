//! Results that nobody measured, for tests of what is shown of them.

use crate::agent::Programming;
use crate::machine::Machine;
use crate::options::Effort;
use crate::process::Memory;
use crate::results::{DIRECT, HAPROXY, Peer, PlainTool, Rate, Results, TRACKED, Traffic};
use crate::series::Series;

/// What a competitor's figures are, each in every round.
#[derive(Clone, Copy)]
pub(super) struct Made {
    /// µs until `connect` returned.
    pub(super) connect: f64,
    /// Connections and requests a second.
    pub(super) connections: f64,
    pub(super) requests: f64,
    /// MiB a second of big answers, and the process's µs for each.
    pub(super) bulk: f64,
    pub(super) own_cpu: f64,
}

/// A direct connection and HAProxy, with figures that are easy to divide by.
pub(super) fn results(sizes: &[u32]) -> Results {
    let floor = Made {
        connect: 10.0,
        connections: 20_000.0,
        requests: 100_000.0,
        bulk: 4_000.0,
        own_cpu: 0.0,
    };
    let haproxy = Made {
        connect: 10.0,
        connections: 10_000.0,
        requests: 50_000.0,
        bulk: 1_000.0,
        own_cpu: 500.0,
    };
    let tracked = Made {
        requests: 95_000.0,
        ..floor
    };
    let mut peers = vec![peer(DIRECT, None, floor), peer(TRACKED, None, tracked)];
    peers.extend(sizes.iter().map(|size| peer(HAPROXY, Some(*size), haproxy)));
    Results {
        machine: Machine {
            host: tidegate_figures::Machine {
                cores: 2,
                processor: "made up".to_owned(),
                is_virtual: false,
                memory_mib: 1_024,
                kernel: "6.18".to_owned(),
                system: "Debian".to_owned(),
            },
            clock: "tsc".to_owned(),
            haproxy: Some("2.6".to_owned()),
        },
        others_busy: 0.0,
        effort: Effort::QUICK,
        endpoints: 10,
        peers,
        plain_tools: vec![PlainTool {
            tool: "nft -f, upstream's shape".to_owned(),
            services: 100,
            program_seconds: 10.0,
            change_seconds: vec![0.1],
        }],
        refused: Vec::new(),
    }
}

/// A competitor's results, through the first Service and through the last.
pub(super) fn peer(name: &str, services: Option<u32>, made: Made) -> Peer {
    let each = |figure: f64| Series(vec![figure; 3]);
    let rate = |per_second: f64| Rate {
        per_second: each(per_second),
        cpu: each(1e6 / per_second),
        own_cpu: Some(each(made.own_cpu)),
        failed: 0,
    };
    let traffic = Traffic {
        connect_p50: each(made.connect),
        connect_p99: each(made.connect * 2.0),
        answer_p50: each(made.connect + 20.0),
        answer_p99: each(made.connect + 40.0),
        connections: rate(made.connections),
        requests: rate(made.requests),
        bulk: Some(rate(made.bulk)),
    };
    Peer {
        name: name.to_owned(),
        services,
        programming: None,
        start_seconds: Some(1.0),
        change_seconds: vec![0.001],
        memory: None,
        last: services.filter(|count| *count > 1).map(|_| traffic.clone()),
        first: traffic,
    }
}

/// A mode's results.
pub(super) fn mode(name: &str, services: u32, seconds: [f64; 2], made: Made) -> Peer {
    let [program_seconds, change] = seconds;
    let memory = Memory {
        own: 5.0,
        with_files: 10.0,
    };
    Peer {
        programming: Some(Programming {
            plan_seconds: 0.01,
            program_seconds,
            change_seconds: vec![change; 3],
            audit_seconds: 0.2,
            memory_of_plan: memory,
            memory,
        }),
        start_seconds: None,
        change_seconds: Vec::new(),
        memory: Some([memory; 2]),
        ..peer(name, Some(services), made)
    }
}
