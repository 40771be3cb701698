//! The machine that figures are from.

use std::fs::read_to_string;

use serde::{Deserialize, Serialize};

/// A machine's description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// How many processors a process may use.
    pub cores: usize,
    /// The processor's name.
    pub processor: String,
    /// Whether the processor is one of a virtual machine, as far as it tells.
    pub is_virtual: bool,
    /// The memory in MiB.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The distribution's name.
    pub system: String,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn here() -> Self {
        let read = |path| read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let flags = value(&processors, "flags", ':');
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: value(&processors, "model name", ':').to_owned(),
            is_virtual: flags.split_whitespace().any(|flag| flag == "hypervisor"),
            memory_mib: kibibytes(value(&read("/proc/meminfo"), "MemTotal", ':')) / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            system: value(&read("/etc/os-release"), "PRETTY_NAME", '=')
                .trim_matches('"')
                .to_owned(),
        }
    }
}

fn value<'a>(text: &'a str, name: &str, separator: char) -> &'a str {
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    let found = pairs.find(|(key, _)| key.trim() == name);
    found.map_or("", |(_, value)| value.trim())
}

fn kibibytes(text: &str) -> u64 {
    let number = text.split_whitespace().next().unwrap_or_default();
    number.parse().unwrap_or_default()
}
