//! Results that nobody measured, for tests of what is shown of them.

use crate::options::Effort;
use crate::questions::Questions;
use crate::results::{Freshness, Memory, Peer, Results};
use crate::series::Series;
use crate::servers::Kind;
use tidegate_figures::Machine;

/// Results in which some aims are reached and others aren't.
pub(super) fn results() -> Results {
    let mut peers = Vec::new();
    for questions in Questions::ALL {
        for (server, rate, p99) in [
            (Kind::Nsd, 210_000.0, 90e-6),
            (Kind::Knot, 190_000.0, 110e-6),
            (Kind::Tidegate, 200_000.0, 100e-6),
            (Kind::Unbound, 25_000.0, 200e-6),
            (Kind::Dnsmasq, 50_000.0, 300e-6),
            (Kind::Echo, 250_000.0, 80e-6),
        ] {
            peers.push(peer(server, questions, rate, p99));
        }
    }
    Results {
        machine: Machine {
            cores: 2,
            processor: "made up".to_owned(),
            is_virtual: true,
            memory_mib: 1_024,
            kernel: "6.18".to_owned(),
            system: "Debian".to_owned(),
        },
        versions: vec![("NSD".to_owned(), "4.6".to_owned())],
        others_busy: 0.0,
        effort: Effort::QUICK,
        services: 1_000,
        endpoints: 9,
        peers,
        memory: Memory {
            empty: 1e6,
            grown: 3e6,
            started: 4e6,
        },
        freshness: Freshness {
            changes: 2_000,
            per_second: 1_000.0,
            delays: Series(vec![0.001, 0.002, 0.021]),
        },
    }
}

fn peer(server: Kind, questions: Questions, rate: f64, p99: f64) -> Peer {
    let each = |figure: f64| Series(vec![figure, figure * 1.1, figure * 0.9]);
    Peer {
        codes: vec![("NOERROR".to_owned(), 100.0)],
        answer_octets: 100.0,
        per_core: each(rate),
        per_second: each(rate / 2.0),
        busy: each(0.5),
        piled_up: each(rate * 1.2),
        full_average: each(p99 * 2.0),
        full_longest: each(p99 * 10.0),
        p50: each(p99 / 2.0),
        p99: each(p99),
        longest: each(p99 * 4.0),
        ..Peer::new(server, questions)
    }
}
