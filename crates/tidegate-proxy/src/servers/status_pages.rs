//! `/statusz` and `/flagz`: for people, in plain text.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};

use super::Pages;
use crate::ProxyView;

/// Upstream's words, so that nobody writes a parser for this.
const WARNING: &str = "Warning: This endpoint is not meant to be machine parseable, has no \
     formatting compatibility guarantees and is for debugging purposes only.";

pub(super) fn statusz(view: &ProxyView, pages: &Pages, started: Timestamp) -> String {
    let status = view.status.borrow().clone();
    let waiting = view.unread.backlog();
    let up = started.duration_until(Timestamp::now()).as_secs();
    let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
    let began = started.to_zoned(TimeZone::UTC);
    let mut lines = vec![
        (
            "Started",
            began.strftime("%a %b %e %H:%M:%S UTC %Y").to_string(),
        ),
        (
            "Up",
            format!("{hours} hr {minutes:02} min {seconds:02} sec"),
        ),
        ("Binary version", pages.version.clone()),
        (
            "Paths",
            "/configz /flagz /healthz /metrics /metrics/slis /proxyMode /statusz".to_owned(),
        ),
        ("Proxy mode", format!("{} ({})", status.mode, status.reason)),
        ("Services in force", status.services.to_string()),
        ("Refused by the kernel", status.refused.to_string()),
        ("Repairs of others' changes", status.repairs.to_string()),
        ("Failed attempts", status.failures.to_string()),
        (
            "Changes waiting",
            (waiting.services + waiting.slices).to_string(),
        ),
        ("Draining connections", status.draining.to_string()),
    ];
    if let Some(rejected) = status.rejected {
        lines.push(("Rejected configuration", rejected));
    }
    page(
        "statusz",
        lines
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
        ": ",
    )
}

pub(super) fn flagz(pages: &Pages) -> String {
    page("flagz", (pages.flags)().into_iter(), "=")
}

fn page(name: &str, lines: impl Iterator<Item = (String, String)>, between: &str) -> String {
    let mut text = format!("\nkube-proxy {name}\n{WARNING}\n\n");
    for (name, value) in lines {
        writeln!(text, "{name}{between}{value}").expect("a String takes everything");
    }
    text
}
