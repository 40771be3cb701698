//! The metrics page, from everything that is counted anywhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidegate_dataplane::{CleanUps, Gauge, Histogram};
use tidegate_model::IpFamily;
use tidegate_pages::{Kind, Labels, Page, Process};
use tidegate_watch::Backlog;

use super::{Family, Measured, Metrics};

/// All metrics of one moment, in Prometheus' text format.
pub(crate) fn render(
    metrics: &Metrics,
    unread: &Backlog,
    gauges: &[Gauge],
    clean_ups: &CleanUps,
) -> String {
    let measured = metrics.lock().clone();
    let mut page = Page::with_prefix("kubeproxy_");
    syncs(&mut page, &measured);
    changes(&mut page, &measured, unread);
    health(&mut page, &measured);
    failures(&mut page, &measured);
    conntrack(&mut page, clean_ups);
    of_mode(&mut page, gauges);
    page.finish()
}

/// What the kernel says about this process, in the same format; nothing if it says nothing.
pub(crate) fn render_process() -> String {
    let mut page = Page::for_everyone();
    match Process::read() {
        Ok(process) => process.write(&mut page),
        Err(error) => tracing::debug!(%error, "the page has no metrics of the process"),
    }
    page.finish()
}

fn syncs(page: &mut Page, measured: &Measured) {
    type Pick = fn(&Family) -> &Histogram;
    let histograms: [(&str, &str, Pick); 4] = [
        (
            "sync_proxy_rules_duration_seconds",
            "[ALPHA] SyncProxyRules latency in seconds",
            |family| &family.syncs,
        ),
        (
            "sync_full_proxy_rules_duration_seconds",
            "[ALPHA] SyncProxyRules latency in seconds for full resyncs",
            |family| &family.full_syncs,
        ),
        (
            "sync_partial_proxy_rules_duration_seconds",
            "[ALPHA] SyncProxyRules latency in seconds for partial resyncs",
            |family| &family.partial_syncs,
        ),
        (
            "network_programming_duration_seconds",
            "[ALPHA] In Cluster Network Programming Latency in seconds",
            |family| &family.programming,
        ),
    ];
    for (name, help, pick) in histograms {
        page.metric(name, help, Kind::Histogram);
        for (family, measures) in by_family(measured) {
            add_histogram(page, name, &[("ip_family", &family)], pick(measures));
        }
    }
    type PickTime = fn(&Family) -> Option<Timestamp>;
    let times: [(&str, &str, PickTime); 2] = [
        (
            "sync_proxy_rules_last_timestamp_seconds",
            "[ALPHA] The last time proxy rules were successfully synced",
            |family| family.last_sync,
        ),
        (
            "sync_proxy_rules_last_queued_timestamp_seconds",
            "[ALPHA] The last time a sync of proxy rules was queued",
            |family| family.last_queued,
        ),
    ];
    for (name, help, pick) in times {
        page.metric(name, help, Kind::Gauge);
        for (family, measures) in by_family(measured) {
            let seconds = pick(measures).map_or(0.0, |at| at.as_millisecond() as f64 / 1000.0);
            page.sample(name, &[("ip_family", &family)], seconds);
        }
    }
    let name = "sync_proxy_rules_no_local_endpoints_total";
    let help = "[ALPHA] Number of services with a Local traffic policy and no endpoints";
    page.metric(name, help, Kind::Gauge);
    for (family, measures) in by_family(measured) {
        let counts = measures.no_local;
        for (policy, count) in [("internal", counts.internal), ("external", counts.external)] {
            let labels = [("ip_family", family.as_str()), ("traffic_policy", policy)];
            page.sample(name, &labels, count as f64);
        }
    }
}

fn changes(page: &mut Page, measured: &Measured, unread: &Backlog) {
    type Pick = fn(&Backlog) -> u64;
    let kinds: [(&str, &str, Pick); 2] = [
        ("endpoint", "Endpoint", |counts| counts.slices),
        ("service", "Service", |counts| counts.services),
    ];
    for (kind, shown, pick) in kinds {
        let pending = format!("sync_proxy_rules_{kind}_changes_pending");
        let help = format!("[ALPHA] Pending proxy rules {shown} changes");
        page.metric(&pending, &help, Kind::Gauge);
        let waiting = pick(unread) + pick(&measured.unfinished);
        page.sample(&pending, &[], waiting as f64);
        let total = format!("sync_proxy_rules_{kind}_changes_total");
        let help = format!("[ALPHA] Cumulative proxy rules {shown} changes");
        page.metric(&total, &help, Kind::Counter);
        let all = pick(unread) + pick(&measured.heard);
        page.sample(&total, &[], all as f64);
    }
}

fn health(page: &mut Page, measured: &Measured) {
    let answers: [(&str, &str, &BTreeMap<u16, u64>); 2] = [
        (
            "proxy_healthz_total",
            "[ALPHA] Cumulative proxy healthz HTTP status",
            &measured.healthz,
        ),
        (
            "proxy_livez_total",
            "[ALPHA] Cumulative proxy livez HTTP status",
            &measured.livez,
        ),
    ];
    for (name, help, codes) in answers {
        page.metric(name, help, Kind::Counter);
        for (code, count) in codes {
            page.sample(name, &[("code", &code.to_string())], *count as f64);
        }
    }
}

fn failures(page: &mut Page, measured: &Measured) {
    let name = "sync_proxy_rules_failures_total";
    let help = "Attempts at programming the kernel that failed in whole or in part";
    page.metric(name, help, Kind::Counter);
    for (mode, count) in &measured.failures {
        page.sample(name, &[("mode", mode)], *count as f64);
    }
    // Upstream counts this mode's failures by a name of its own.
    if let Some(count) = measured.failures.get("nftables") {
        let name = "sync_proxy_rules_nftables_sync_failures_total";
        let help = "[ALPHA] Cumulative proxy nftables sync failures";
        page.metric(name, help, Kind::Counter);
        for family in IpFamily::ALL {
            let family = family.to_string();
            page.sample(name, &[("ip_family", &family)], *count as f64);
        }
    }
}

fn conntrack(page: &mut Page, clean_ups: &CleanUps) {
    let name = "conntrack_reconciler_sync_duration_seconds";
    let help = "[ALPHA] ReconcileConntrackFlowsLatency latency in seconds";
    page.metric(name, help, Kind::Histogram);
    for family in IpFamily::ALL {
        let label = family.to_string();
        add_histogram(page, name, &[("ip_family", &label)], &clean_ups.durations);
    }
    let name = "conntrack_reconciler_deleted_entries_total";
    let help = "[ALPHA] Cumulative conntrack flows deleted by conntrack reconciler";
    page.metric(name, help, Kind::Counter);
    for family in IpFamily::ALL {
        let label = family.to_string();
        let deleted = clean_ups.deleted(family) as f64;
        page.sample(name, &[("ip_family", &label)], deleted);
    }
}

fn of_mode(page: &mut Page, gauges: &[Gauge]) {
    let mut by_name: BTreeMap<&str, Vec<&Gauge>> = BTreeMap::new();
    for gauge in gauges.iter().filter(|gauge| !page.has(gauge.name)) {
        by_name.entry(gauge.name).or_default().push(gauge);
    }
    for (name, samples) in by_name {
        let kind = match samples[0].counter {
            true => Kind::Counter,
            false => Kind::Gauge,
        };
        page.metric(name, samples[0].help, kind);
        for sample in samples {
            let labels = sample.labels.iter();
            let labels: Vec<_> = labels
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            page.sample(name, &labels, sample.value);
        }
    }
}

fn by_family(measured: &Measured) -> impl Iterator<Item = (String, &Family)> {
    let names = IpFamily::ALL.map(|family| family.to_string());
    names.into_iter().zip(&measured.families)
}

fn add_histogram(page: &mut Page, name: &str, labels: Labels<'_>, histogram: &Histogram) {
    let buckets = histogram.cumulative();
    page.histogram(name, labels, buckets, histogram.count(), histogram.sum());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(name: &'static str, family: &str) -> Gauge {
        Gauge {
            name,
            help: "What a mode says.",
            labels: vec![("ip_family", family.to_owned())],
            value: 7.0,
            counter: true,
        }
    }

    #[test]
    fn a_modes_numbers_stand_together_and_never_beside_ours_of_the_same_name() {
        let gauges = [
            gauge("one_total", "IPv4"),
            gauge("two_total", "IPv4"),
            gauge("one_total", "IPv6"),
            gauge("proxy_healthz_total", "IPv4"),
        ];
        let page = render(
            &Metrics::default(),
            &Backlog::default(),
            &gauges,
            &CleanUps::so_far(),
        );
        let of_mode = page.split_once("# HELP kubeproxy_one_total ");
        let (ours, of_mode) = of_mode.expect("the mode's come last");
        assert_eq!(
            ours.matches("# TYPE kubeproxy_proxy_healthz_total").count(),
            1
        );
        insta::assert_snapshot!(of_mode, @r#"
        What a mode says.
        # TYPE kubeproxy_one_total counter
        kubeproxy_one_total{ip_family="IPv4"} 7
        kubeproxy_one_total{ip_family="IPv6"} 7
        # HELP kubeproxy_two_total What a mode says.
        # TYPE kubeproxy_two_total counter
        kubeproxy_two_total{ip_family="IPv4"} 7
        "#);
    }
}
