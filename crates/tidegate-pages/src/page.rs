//! Prometheus' text format.
//!
//! The library that the field has for it writes the OpenMetrics variant, which puts `_total` behind
//! every counter and nowhere else; kube-proxy has gauges of such names.

use std::collections::BTreeSet;
use std::fmt::Write;

/// The media type of Prometheus' text format.
pub const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metrics page in the making.
#[derive(Debug)]
pub struct Page {
    text: String,
    names: BTreeSet<String>,
    /// What all names begin with.
    prefix: &'static str,
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One that only grows.
    Counter,
    /// One that comes and goes.
    Gauge,
    /// How many of each size.
    Histogram,
}

/// Names and values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// A page whose metrics other programs have under the same names.
    pub fn for_everyone() -> Self {
        Self::with_prefix("")
    }

    /// A page whose metrics' names all begin alike, such as with `kubeproxy_`.
    pub fn with_prefix(prefix: &'static str) -> Self {
        Self {
            text: String::new(),
            names: BTreeSet::new(),
            prefix,
        }
    }

    /// Begins a metric; its samples have to follow.
    pub fn metric(&mut self, name: &str, help: &str, kind: Kind) {
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

    /// Adds a value of the metric that was begun last.
    pub fn sample(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        let labels = written(labels);
        let prefix = self.prefix;
        let value = prometheus_number(value);
        self.line(format_args!("{prefix}{name}{labels} {value}"));
    }

    /// Adds a histogram: for each bound how many observations are at most as large, how many there
    /// are at all, and what they add up to.
    pub fn histogram(
        &mut self,
        name: &str,
        labels: Labels<'_>,
        buckets: impl IntoIterator<Item = (f64, u64)>,
        count: u64,
        sum: f64,
    ) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in buckets {
            let bound = bound.to_string();
            let labels = [labels, &[("le", &bound)]].concat();
            self.sample(&bucket, &labels, count as f64);
        }
        let count = count as f64;
        self.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), count);
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, count);
    }

    /// Whether the page has a metric of this name, of which there may be only one.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The whole text.
    pub fn finish(self) -> String {
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
    use super::*;

    #[test]
    fn a_histogram_has_its_buckets_its_sum_and_its_count() {
        let mut page = Page::with_prefix("kubeproxy_");
        page.metric("took_seconds", "How long it took", Kind::Histogram);
        let buckets = [(0.5, 0), (1.0, 1)];
        page.histogram("took_seconds", &[("ip_family", "IPv4")], buckets, 1, 0.75);
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
        let mut page = Page::with_prefix("kubeproxy_");
        page.metric("x", "a\nb", Kind::Gauge);
        page.sample("x", &[("set", "\"}\n\\")], 1.0);
        insta::assert_snapshot!(page.finish(), @r#"
        # HELP kubeproxy_x a\nb
        # TYPE kubeproxy_x gauge
        kubeproxy_x{set="\"}\n\\"} 1
        "#);
    }
}
