//! `/metrics/slis`: how often the checks of this component were asked, and what came out.
//!
//! kube-proxy has one check, which is whether its metrics server answers at all.

use tidegate_pages::{Kind, Page};

/// The page, in Prometheus' text format, after so many answers of the check.
pub(crate) fn render_slis(pings: u64) -> String {
    let mut page = Page::for_everyone();
    // As upstream: what nobody has asked for yet is not there.
    if pings > 0 {
        let name = "kubernetes_healthcheck";
        let help = "[STABLE] This metric records the result of a single healthcheck.";
        page.metric(name, help, Kind::Gauge);
        page.sample(name, &[("name", "ping"), ("type", "healthz")], 1.0);
        let name = "kubernetes_healthchecks_total";
        let help = "[STABLE] This metric records the results of all healthcheck.";
        page.metric(name, help, Kind::Counter);
        let labels = [("name", "ping"), ("status", "success"), ("type", "healthz")];
        page.sample(name, &labels, pings as f64);
    }
    page.finish()
}
