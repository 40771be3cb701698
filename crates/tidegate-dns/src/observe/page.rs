//! The metrics page: CoreDNS's names where they mean the same.

use std::sync::Arc;

use tidegate_forward::{HISTOGRAM_BOUNDS, OTHER_CODE};
use tidegate_pages::{Counter, Kind, Labels, Page, Process, Tally};

use super::stats::{PROTOCOLS, SIZES};
use crate::block::Block;
use crate::desk::Desk;

/// What a server counts beside its blocks.
#[derive(Debug, Default)]
pub(crate) struct ServerCounters {
    /// New configurations that were refused.
    pub(crate) failed_reloads: Counter,
    /// New configurations that were taken.
    pub(crate) reloads: Counter,
    /// TCP connections that were accepted.
    pub(crate) tcp_connections: Counter,
    /// TCP connections that made way for others.
    pub(crate) tcp_evictions: Counter,
    /// Names that came to the zone, in whatever change.
    pub(crate) changes: Arc<Counter>,
}

/// Everything of one moment, in Prometheus' text format.
pub(crate) fn write_page(
    blocks: &[Arc<Block>],
    desks: &[Arc<Desk>],
    counters: &ServerCounters,
    api_is_away: bool,
) -> String {
    let mut page = Page::with_prefix("coredns_");
    page.metric(
        "build_info",
        "A metric with a constant '1' value labeled by version.",
        Kind::Gauge,
    );
    let version = env!("CARGO_PKG_VERSION");
    page.sample(
        "build_info",
        &[("version", version), ("revision", "tidegate")],
        1.0,
    );
    of_queries(&mut page, blocks);
    of_caches(&mut page, blocks);
    of_upstreams(&mut page, blocks);
    of_hosts(&mut page, blocks);
    page.metric(
        "reload_failed_total",
        "Configurations that were refused; the one before stays in force.",
        Kind::Counter,
    );
    page.sample(
        "reload_failed_total",
        &[],
        counters.failed_reloads.get() as f64,
    );
    let mut text = page.finish();
    text += &own(desks, counters, api_is_away);
    let mut process = Page::for_everyone();
    match Process::read() {
        Ok(found) => found.write(&mut process),
        Err(error) => tracing::debug!(%error, "the page has no metrics of the process"),
    }
    text + &process.finish()
}

fn of_queries(page: &mut Page, blocks: &[Arc<Block>]) {
    page.metric(
        "dns_requests_total",
        "Queries that were answered.",
        Kind::Counter,
    );
    for block in blocks {
        for (protocol, family, kind, count) in block.stats.requests() {
            if count > 0 {
                let labels = [
                    ("family", family),
                    ("proto", protocol),
                    ("server", &block.server),
                    ("type", &kind),
                    ("view", ""),
                    ("zone", &block.zone),
                ];
                page.sample("dns_requests_total", &labels, count as f64);
            }
        }
    }
    page.metric(
        "dns_responses_total",
        "Replies by their code.",
        Kind::Counter,
    );
    for block in blocks {
        for (code, count) in block.stats.responses() {
            if count > 0 {
                let labels = [
                    ("plugin", ""),
                    ("rcode", code.as_str()),
                    ("server", &block.server),
                    ("view", ""),
                    ("zone", &block.zone),
                ];
                page.sample("dns_responses_total", &labels, count as f64);
            }
        }
    }
    page.metric(
        "dns_request_duration_seconds",
        "How long queries took, from the packet to its reply.",
        Kind::Histogram,
    );
    for block in blocks {
        let labels = [
            ("server", block.server.as_str()),
            ("view", ""),
            ("zone", &block.zone),
        ];
        add_times(
            page,
            "dns_request_duration_seconds",
            &labels,
            &block.stats.took(),
        );
    }
    let sizes = [
        ("dns_request_size_bytes", "The size of queries."),
        ("dns_response_size_bytes", "The size of replies."),
    ];
    for (name, help) in sizes {
        page.metric(name, help, Kind::Histogram);
        for block in blocks {
            for (index, protocol) in PROTOCOLS.iter().enumerate() {
                let tally = match name {
                    "dns_request_size_bytes" => block.stats.request_sizes(index),
                    _ => block.stats.response_sizes(index),
                };
                let labels = [
                    ("proto", *protocol),
                    ("server", &block.server),
                    ("view", ""),
                    ("zone", &block.zone),
                ];
                let buckets = tally.cumulative(&SIZES);
                page.histogram(name, &labels, buckets, tally.count(), tally.sum() as f64);
            }
        }
    }
}

fn add_times(
    page: &mut Page,
    name: &str,
    labels: Labels<'_>,
    took: &Tally<{ HISTOGRAM_BOUNDS.len() }>,
) {
    let seconds = took.sum() as f64 * 1e-9;
    let buckets = took.cumulative(&HISTOGRAM_BOUNDS);
    page.histogram(name, labels, buckets, took.count(), seconds);
}

fn of_caches(page: &mut Page, blocks: &[Arc<Block>]) {
    type Read = fn(&tidegate_forward::Resolver) -> u64;
    let metrics: [(&str, &str, Kind, &str, Read); 11] = [
        (
            "cache_entries",
            "Answers that are kept.",
            Kind::Gauge,
            "success",
            |of| of.entries().success as u64,
        ),
        ("cache_entries", "", Kind::Gauge, "denial", |of| {
            of.entries().denial as u64
        }),
        (
            "cache_hits_total",
            "Questions that kept answers answered.",
            Kind::Counter,
            "success",
            |of| of.counters().success_hits.get(),
        ),
        ("cache_hits_total", "", Kind::Counter, "denial", |of| {
            of.counters().denial_hits.get()
        }),
        (
            "cache_misses_total",
            "Questions that no kept answer answered.",
            Kind::Counter,
            "",
            |of| of.counters().misses.get(),
        ),
        (
            "cache_prefetch_total",
            "Kept answers that were asked for again in time.",
            Kind::Counter,
            "",
            |of| of.counters().prefetches.get(),
        ),
        (
            "cache_served_stale_total",
            "Questions that got an answer whose time was over.",
            Kind::Counter,
            "",
            |of| of.counters().stale_served.get(),
        ),
        (
            "cache_drops_total",
            "Replies that don't belong to their question.",
            Kind::Counter,
            "",
            |of| of.counters().drops.get(),
        ),
        (
            "cache_evictions_total",
            "Kept answers that made way for others.",
            Kind::Counter,
            "success",
            |of| of.counters().success_evictions.get(),
        ),
        ("cache_evictions_total", "", Kind::Counter, "denial", |of| {
            of.counters().denial_evictions.get()
        }),
        (
            "forward_max_concurrent_rejects_total",
            "Questions that were refused because too many waited.",
            Kind::Counter,
            "",
            |of| of.counters().concurrency_rejects.get(),
        ),
    ];
    let mut last = "";
    for (name, help, kind, class, read) in metrics {
        if name != last {
            page.metric(name, help, kind);
            last = name;
        }
        for block in blocks {
            let Some(route) = block.routes.first() else {
                continue;
            };
            let zone = route.from.to_string();
            let all = block.routes.iter().map(|route| read(&route.resolver));
            let mut labels = vec![("server", block.server.as_str())];
            if !class.is_empty() {
                labels.push(("type", class));
            }
            labels.push(("view", ""));
            if name.starts_with("cache_") {
                labels.push(("zones", &zone));
            }
            page.sample(name, &labels, all.sum::<u64>() as f64);
        }
    }
}

fn of_upstreams(page: &mut Page, blocks: &[Arc<Block>]) {
    let routes = || blocks.iter().flat_map(|block| &block.routes);
    page.metric(
        "proxy_request_duration_seconds",
        "How long other servers took to answer.",
        Kind::Histogram,
    );
    for route in routes() {
        for (address, _, counters) in route.resolver.upstreams() {
            let to = address.to_string();
            for (code, took) in counters.by_code() {
                if took.count() == 0 {
                    continue;
                }
                let rcode = match code {
                    OTHER_CODE => "other".to_owned(),
                    code => tidegate_dns_wire::Code(code).to_string(),
                };
                let labels = [("proxy_name", "forward"), ("rcode", &rcode), ("to", &to)];
                add_times(page, "proxy_request_duration_seconds", &labels, &took);
            }
        }
    }
    type Read = fn(&tidegate_forward::UpstreamCounters) -> u64;
    let counters: [(&str, &str, Read); 4] = [
        (
            "proxy_healthcheck_failures_total",
            "Health checks that weren't answered.",
            |of| of.health_check_failures.get(),
        ),
        (
            "proxy_conn_cache_hits_total",
            "Questions over connections that were open already.",
            |of| of.connections_reused.get(),
        ),
        (
            "proxy_conn_cache_misses_total",
            "Connections that were opened for questions.",
            |of| of.connections_opened.get(),
        ),
        (
            "proxy_unanswered_total",
            "Questions that another server didn't answer.",
            |of| of.unanswered.get(),
        ),
    ];
    for (name, help, read) in counters {
        page.metric(name, help, Kind::Counter);
        for route in routes() {
            for (address, protocol, counters) in route.resolver.upstreams() {
                let to = address.to_string();
                let proto = format!("{protocol:?}").to_lowercase();
                let labels = [
                    ("proto", proto.as_str()),
                    ("proxy_name", "forward"),
                    ("to", &to),
                ];
                page.sample(name, &labels, read(&counters) as f64);
            }
        }
    }
    page.metric(
        "forward_healthcheck_broken_total",
        "Questions that found every other server down.",
        Kind::Counter,
    );
    for block in blocks {
        let all = block
            .routes
            .iter()
            .map(|route| route.resolver.counters().all_upstreams_down.get());
        let labels = [("server", block.server.as_str())];
        page.sample(
            "forward_healthcheck_broken_total",
            &labels,
            all.sum::<u64>() as f64,
        );
    }
}

fn of_hosts(page: &mut Page, blocks: &[Arc<Block>]) {
    page.metric("hosts_entries", "Entries of hosts files.", Kind::Gauge);
    for hosts in blocks.iter().filter_map(|block| block.hosts.as_ref()) {
        page.sample("hosts_entries", &[], hosts.entries() as f64);
    }
}

/// What CoreDNS has no name for.
fn own(desks: &[Arc<Desk>], counters: &ServerCounters, api_is_away: bool) -> String {
    let mut page = Page::with_prefix("tidegate_dns_");
    let total = |read: fn(&Desk) -> u64| desks.iter().map(|desk| read(desk)).sum::<u64>();
    let numbers = [
        (
            "ignored_packets_total",
            "Packets that get no reply.",
            total(|desk| desk.counters.ignored.get()),
        ),
        (
            "malformed_packets_total",
            "Packets that got FORMERR or NOTIMP.",
            total(|desk| desk.counters.malformed.get()),
        ),
        (
            "refused_queries_total",
            "Queries that no server block answers.",
            total(|desk| desk.counters.refused.get()),
        ),
        (
            "send_failures_total",
            "Replies that couldn't be sent.",
            total(|desk| desk.counters.send_failures.get()),
        ),
        (
            "tcp_connections_total",
            "TCP connections that were accepted.",
            counters.tcp_connections.get(),
        ),
        (
            "tcp_evictions_total",
            "Idle TCP connections that made way for others.",
            counters.tcp_evictions.get(),
        ),
        (
            "reloads_total",
            "New configurations that were taken.",
            counters.reloads.get(),
        ),
        (
            "changes_total",
            "Changes of the cluster that names followed.",
            counters.changes.get(),
        ),
    ];
    for (name, help, value) in numbers {
        page.metric(name, help, Kind::Counter);
        page.sample(name, &[], value as f64);
    }
    page.metric(
        "api_is_away",
        "1 while the API can't be watched, and names are those of the last known state.",
        Kind::Gauge,
    );
    page.sample("api_is_away", &[], f64::from(u8::from(api_is_away)));
    page.finish()
}
