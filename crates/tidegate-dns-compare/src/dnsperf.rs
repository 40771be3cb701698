//! dnsperf, and what it prints.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::series::percentile;

/// What dnsperf is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'r> {
    /// The server's port on 127.0.0.1.
    pub(crate) port: u16,
    /// The questions.
    pub(crate) file: &'r str,
    pub(crate) with_edns: bool,
    /// The core that dnsperf has.
    pub(crate) core: &'r str,
    pub(crate) pace: Pace,
}

/// How fast is asked, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Each question once.
    Once,
    /// A hundred questions on their way at any time.
    Full {
        /// For so long.
        seconds: u64,
    },
    /// So many questions a second, and each answer's time told.
    Steady {
        /// Questions a second.
        rate: u32,
        /// For so long.
        seconds: u64,
    },
}

/// What a run found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) completed: u64,
    pub(crate) lost: u64,
    /// Answers a second.
    pub(crate) per_second: f64,
    /// Answers by their codes, in per cent.
    pub(crate) codes: Vec<(String, f64)>,
    /// Octets of an answer, on average.
    pub(crate) answer_octets: f64,
    /// Seconds until an answer came.
    pub(crate) average: f64,
    pub(crate) longest: f64,
    /// Seconds until half of the answers had come, and until 99 of 100; of steady runs only.
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
}

impl Run<'_> {
    /// Asks.
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let mut command = Command::new("taskset");
        command.args(["-c", self.core, "dnsperf", "-s", "127.0.0.1"]);
        command.args(["-p", &self.port.to_string(), "-d", self.file]);
        if self.with_edns {
            command.arg("-e");
        }
        match self.pace {
            Pace::Once => command.args(["-n", "1", "-q", "20"]),
            Pace::Full { seconds } => command.args(["-q", "100", "-l", &seconds.to_string()]),
            Pace::Steady { rate, seconds } => {
                let (rate, seconds) = (rate.to_string(), seconds.to_string());
                command.args(["-q", "100", "-v", "-Q", &rate, "-l", &seconds])
            }
        };
        let output = command.output().context("dnsperf")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "dnsperf failed: {errors}{text}");
        read(&text).with_context(|| format!("what dnsperf printed isn't understood: {text}"))
    }
}

/// Reads what dnsperf prints; none if something is missing.
fn read(text: &str) -> Option<Outcome> {
    let mut outcome = Outcome::default();
    let mut times = Vec::new();
    let mut is_complete = false;
    for line in text.lines() {
        if let Some(answer) = line.strip_prefix("> ") {
            // The code, the name, the type, and the seconds; of a lost question there are none.
            times.extend(answer.split_whitespace().nth(3).and_then(number));
            continue;
        }
        let Some((what, value)) = line.split_once(':') else {
            continue;
        };
        match what.trim() {
            "Queries completed" => outcome.completed = first_number(value)? as u64,
            "Queries lost" => outcome.lost = first_number(value)? as u64,
            "Response codes" => outcome.codes = codes(value),
            // Without any answer there are no more than these.
            "Average packet size" => {
                outcome.answer_octets = first_number(value.rsplit_once(' ')?.1)?;
            }
            "Queries per second" => {
                outcome.per_second = first_number(value)?;
                is_complete = true;
            }
            "Average Latency (s)" => {
                outcome.average = first_number(value)?;
                let (_, longest) = value.trim_end_matches(')').rsplit_once(' ')?;
                outcome.longest = number(longest)?;
            }
            _ => {}
        }
    }
    outcome.p50 = percentile(&times, 0.5);
    outcome.p99 = percentile(&times, 0.99);
    is_complete.then_some(outcome)
}

/// `NOERROR 90 (90.00%), NXDOMAIN 10 (10.00%)` as names and per cents.
fn codes(value: &str) -> Vec<(String, f64)> {
    let each = value.split(", ").filter_map(|code| {
        let (name, rest) = code.trim().split_once(' ')?;
        let (_, share) = rest.split_once('(')?;
        Some((name.to_owned(), number(share.trim_end_matches("%)"))?))
    });
    each.collect()
}

fn first_number(value: &str) -> Option<f64> {
    value.split_whitespace().next().and_then(number)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "DNS Performance Testing Tool
Version 2.10.0

[Status] Command line: dnsperf -s 127.0.0.1 -p 5302 -d q.txt -n 2 -v
[Status] Started at: Sat Nov 21 19:32:22 2026
> NOERROR a.example. A 0.015948
> NXDOMAIN b.example. A 0.014763
> T c.example. A
[Timeout] Query timed out: msg id 2
[Status] Testing complete (end of file)

Statistics:

  Queries sent:         3
  Queries completed:    2 (66.67%)
  Queries lost:         1 (33.33%)

  Response codes:       NOERROR 1 (50.00%), NXDOMAIN 1 (50.00%)
  Average packet size:  request 27, response 43
  Run time (s):         0.043916
  Queries per second:   45.541488

  Average Latency (s):  0.015355 (min 0.014763, max 0.015948)
  Latency StdDev (s):   0.000838

";

    #[test]
    fn what_it_prints_is_understood() {
        let outcome = read(PRINTED).expect("complete");
        let expected = Outcome {
            completed: 2,
            lost: 1,
            per_second: 45.541_488,
            codes: vec![("NOERROR".to_owned(), 50.0), ("NXDOMAIN".to_owned(), 50.0)],
            answer_octets: 43.0,
            average: 0.015_355,
            longest: 0.015_948,
            p50: Some(0.014_763),
            p99: Some(0.015_948),
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn what_breaks_off_is_no_result() {
        let (begun, _) = PRINTED
            .split_once("  Queries per second")
            .expect("it has that");
        assert_eq!(read(begun), None);
        assert_eq!(read(&PRINTED.replace("45.541488", "-nan")), None);
    }
}
