//! The figures, in the order in which they were measured.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

/// Named figures with their units.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<(String, f64, &'static str)>,
}

impl Report {
    pub(crate) fn time(&mut self, name: &str, duration: Duration) {
        self.figure(name, duration.as_secs_f64() * 1000.0, "ms");
    }

    /// A process's memory, as [`crate::machine::Machine::memory`] gives it.
    pub(crate) fn memory(&mut self, name: &str, (own, with_program): (f64, f64)) {
        self.figure(name, own, "MiB");
        self.figure(
            &format!("{name}, with the pages of the program file"),
            with_program,
            "MiB",
        );
    }

    pub(crate) fn figure(&mut self, name: &str, value: f64, unit: &'static str) {
        // Shown at once as well: the whole takes minutes.
        let _shown = writeln!(std::io::stderr().lock(), "{name}: {value:.2} {unit}");
        self.lines.push((name.to_owned(), value, unit));
    }

    /// The median and the 99th percentile of some times.
    pub(crate) fn spread(&mut self, name: &str, mut times: Vec<Duration>) {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        if !times.is_empty() {
            self.time(&format!("{name}, median"), at(0.5));
            self.time(&format!("{name}, 99th percentile"), at(0.99));
        }
    }

    /// A Markdown table on standard output.
    pub(crate) fn print(&self) {
        let mut out = std::io::stdout().lock();
        let _shown = writeln!(out, "| what | figure |\n|---|---:|");
        for (name, value, unit) in &self.lines {
            let _shown = writeln!(out, "| {name} | {value:.2} {unit} |");
        }
    }

    pub(crate) fn json(&self) -> String {
        let figures: Map<String, Value> = self
            .lines
            .iter()
            .map(|(name, value, unit)| (name.clone(), json!({"value": value, "unit": unit})))
            .collect();
        format!("{:#}\n", Value::Object(figures))
    }
}
