//! Prometheus' text format.
//!
//! The library that the field has for it writes the OpenMetrics variant, which puts `_total` behind
//! every counter and nowhere else; kube-proxy has gauges of such names.

use std::collections::BTreeSet;
use std::fmt::Write;

use tidegate_dataplane::Histogram;

/// A metrics page in the making.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    names: BTreeSet<String>,
    /// What all names begin with.
    prefix: &'static str,
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Names and values.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// A page whose metrics only this program has: their names begin with `kubeproxy_`.
    pub(crate) fn of_proxy() -> Self {
        Self::with("kubeproxy_")
    }

    /// A page whose metrics other programs have under the same names.
    pub(crate) fn for_everyone() -> Self {
        Self::with("")
    }

    fn with(prefix: &'static str) -> Self {
        Self {
            text: String::new(),
            names: BTreeSet::new(),
            prefix,
        }
    }

    /// Begins a metric; its samples have to follow.
    pub(crate) fn metric(&mut self, name: &str, help: &str, kind: Kind) {
        self.names.insert(name.to_owned());
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let prefix = self.prefix;
        self.line(format_args!("# HELP {prefix}{name} {help}"));
        self.line(format_args!("# TYPE {prefix}{name} {kind}"));
    }

    pub(crate) fn sample(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        let labels = written(labels);
        let prefix = self.prefix;
        let value = prometheus_number(value);
        self.line(format_args!("{prefix}{name}{labels} {value}"));
    }

    pub(crate) fn histogram(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            let bound = bound.to_string();
            let labels = [labels, &[("le", &bound)]].concat();
            self.sample(&bucket, &labels, count as f64);
        }
        let count = histogram.count() as f64;
        self.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), count);
        self.sample(&format!("{name}_sum"), labels, histogram.sum());
        self.sample(&format!("{name}_count"), labels, count);
    }

    /// Whether the page has a metric of this name, of which there may be only one.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a String takes everything");
    }
}

/// A number as Prometheus writes it, which has a word of its own for infinity.
fn prometheus_number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        value => value.to_string(),
    }
}

fn written(labels: Labels<'_>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        value.replace('\n', "\\n")
    };
    let each = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    format!("{{{}}}", each.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_histogram_has_its_buckets_its_sum_and_its_count() {
        let mut histogram = Histogram::new([0.5, 1.0]);
        histogram.observe(Duration::from_millis(750));
        let mut page = Page::of_proxy();
        page.metric("took_seconds", "How long it took", Kind::Histogram);
        page.histogram("took_seconds", &[("ip_family", "IPv4")], &histogram);
        insta::assert_snapshot!(page.finish(), @r#"
        # HELP kubeproxy_took_seconds How long it took
        # TYPE kubeproxy_took_seconds histogram
        kubeproxy_took_seconds_bucket{ip_family="IPv4",le="0.5"} 0
        kubeproxy_took_seconds_bucket{ip_family="IPv4",le="1"} 1
        kubeproxy_took_seconds_bucket{ip_family="IPv4",le="+Inf"} 1
        kubeproxy_took_seconds_sum{ip_family="IPv4"} 0.75
        kubeproxy_took_seconds_count{ip_family="IPv4"} 1
        "#);
    }

    #[test]
    fn nobody_can_smuggle_a_line_into_the_page() {
        let mut page = Page::of_proxy();
        page.metric("x", "a\nb", Kind::Gauge);
        page.sample("x", &[("set", "\"}\n\\")], 1.0);
        insta::assert_snapshot!(page.finish(), @r#"
        # HELP kubeproxy_x a\nb
        # TYPE kubeproxy_x gauge
        kubeproxy_x{set="\"}\n\\"} 1
        "#);
    }
}
