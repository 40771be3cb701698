//! What the engine does, for the metrics page.

use tidegate_dataplane::Gauge;

use crate::engine::Counts;

/// The engine's numbers as metrics.
pub(crate) fn gauges(counts: &Counts) -> Vec<Gauge> {
    let gauge = |name, help, value: f64, counter| Gauge {
        name,
        help,
        labels: Vec::new(),
        value,
        counter,
    };
    #[allow(
        clippy::cast_precision_loss,
        reason = "metrics are floating-point numbers; past 2^53 one more doesn't matter"
    )]
    let [open, sessions, failures, unserved] = [
        counts.open_connections as f64,
        counts.udp_sessions as f64,
        counts.dial_failures as f64,
        counts.unserved_connections as f64,
    ];
    vec![
        gauge(
            "userspace_open_connections",
            "TCP connections of clients that are being forwarded.",
            open,
            false,
        ),
        gauge(
            "userspace_udp_sessions",
            "UDP clients with a socket towards their backend.",
            sessions,
            false,
        ),
        gauge(
            "userspace_dial_failures_total",
            "Dials that a backend refused or did not answer in time.",
            failures,
            true,
        ),
        gauge(
            "userspace_unserved_connections_total",
            "TCP connections that were accepted and then broken off because no backend answered.",
            unserved,
            true,
        ),
    ]
}
