//! What Prometheus' clients tell about the process that they are in, kube-proxy's among them.

use std::fs;
use std::io;

use crate::page::{Kind, Page};

/// The kernel counts a process's times in hundredths of a second, whatever its own ticks are
/// (`USER_HZ`, see proc(5)).
const TICKS_A_SECOND: f64 = 100.0;

/// What the kernel says about this process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    cpu_seconds: f64,
    start_time_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    open_descriptors: f64,
    most_descriptors: f64,
}

impl Process {
    /// Asks the kernel. Takes the longer, the more files are open.
    ///
    /// # Errors
    /// `/proc` isn't mounted, or says something that this program doesn't understand.
    pub fn read() -> io::Result<Self> {
        let text = |path: &str| fs::read_to_string(path);
        let found = Self::of(
            &text("/proc/self/stat")?,
            &text("/proc/self/status")?,
            &text("/proc/self/limits")?,
            &text("/proc/stat")?,
            // The directory that is read is open too, and is none of ours a moment later.
            fs::read_dir("/proc/self/fd")?.count().saturating_sub(1),
        );
        found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc is unlike proc(5)"))
    }

    fn of(
        stat: &str,
        status: &str,
        limits: &str,
        system: &str,
        open_descriptors: usize,
    ) -> Option<Self> {
        // The program's name stands in brackets, and may have blanks and brackets in it.
        let (_, behind_name) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = behind_name.split(' ').collect();
        // Fields are counted from 1 and the first one behind the name is the third.
        let ticks = |field: usize| -> Option<f64> { fields.get(field - 3)?.parse().ok() };
        let kilobytes = |name: &str| -> Option<f64> {
            let line = line_of(status, name)?;
            line.trim().strip_suffix(" kB")?.parse().ok()
        };
        let boot: f64 = line_of(system, "btime ")?.parse().ok()?;
        let most = line_of(limits, "Max open files")?;
        Some(Self {
            cpu_seconds: (ticks(14)? + ticks(15)?) / TICKS_A_SECOND,
            start_time_seconds: boot + ticks(22)? / TICKS_A_SECOND,
            resident_bytes: kilobytes("VmRSS:")? * 1024.0,
            virtual_bytes: kilobytes("VmSize:")? * 1024.0,
            open_descriptors: open_descriptors as f64,
            most_descriptors: match most.split_whitespace().next()? {
                "unlimited" => f64::INFINITY,
                number => number.parse().ok()?,
            },
        })
    }

    /// The metrics under the names that all of Prometheus' clients use.
    pub fn write(&self, page: &mut Page) {
        let metrics = [
            (
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                Kind::Counter,
                self.cpu_seconds,
            ),
            (
                "process_max_fds",
                "Maximum number of open file descriptors.",
                Kind::Gauge,
                self.most_descriptors,
            ),
            (
                "process_open_fds",
                "Number of open file descriptors.",
                Kind::Gauge,
                self.open_descriptors,
            ),
            (
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                Kind::Gauge,
                self.resident_bytes,
            ),
            (
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                Kind::Gauge,
                self.start_time_seconds,
            ),
            (
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes.",
                Kind::Gauge,
                self.virtual_bytes,
            ),
        ];
        for (name, help, kind, value) in metrics {
            page.metric(name, help, kind);
            page.sample(name, &[], value);
        }
    }
}

/// What stands behind the beginning of a line.
fn line_of<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "4242 (a) b) S 1 1 1 0 -1 4194304 900 0 0 0 150 50 0 0 20 0 9 0 360000 1 2\n";
    const STATUS: &str = "Name:\tx\nVmPeak:\t  900 kB\nVmSize:\t  800 kB\nVmRSS:\t  100 kB\n";
    const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units\n\
         Max open files            1024                 524288               files\n";
    const SYSTEM: &str = "cpu  1 2 3\nbtime 1700000000\n";

    #[test]
    fn the_kernels_words_are_understood() {
        let process = Process::of(STAT, STATUS, LIMITS, SYSTEM, 17).expect("is understood");
        let mut page = Page::for_everyone();
        process.write(&mut page);
        let page = page.finish();
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        insta::assert_snapshot!(samples.collect::<Vec<_>>().join("\n"), @"
        process_cpu_seconds_total 2
        process_max_fds 1024
        process_open_fds 17
        process_resident_memory_bytes 102400
        process_start_time_seconds 1700003600
        process_virtual_memory_bytes 819200
        ");
    }

    #[test]
    fn what_is_not_understood_is_nothing() {
        for stat in [
            "",
            ") ",
            "1 (x) S",
            STAT.strip_suffix(" 360000 1 2\n").expect("is there"),
        ] {
            assert_eq!(Process::of(stat, STATUS, LIMITS, SYSTEM, 1), None, "{stat}");
        }
        assert_eq!(Process::of(STAT, "", LIMITS, SYSTEM, 1), None);
        assert_eq!(Process::of(STAT, STATUS, "Max open files", SYSTEM, 1), None);
        assert_eq!(Process::of(STAT, STATUS, LIMITS, "btime soon", 1), None);
    }

    #[test]
    fn this_process_is_told_as_it_is() {
        let file = fs::File::open("/proc/self/stat").expect("opens");
        let before = Process::read().expect("is understood");
        let more: Vec<fs::File> = (0..50)
            .map(|_| file.try_clone().expect("there are descriptors left"))
            .collect();
        let after = Process::read().expect("is understood");
        assert!(after.open_descriptors >= before.open_descriptors + 50.0);
        assert_eq!(after.start_time_seconds, before.start_time_seconds);
        assert!(after.resident_bytes > 0.0 && after.resident_bytes <= after.virtual_bytes);
        assert!(after.most_descriptors >= after.open_descriptors);
        drop(more);
    }
}
