//! What is noticed during the storm and after it.

use std::time::Duration;

use super::OWN;
use crate::machine::Machine;

/// What was noticed at one moment of the storm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When the change was written, from the beginning of the storm.
    pub(super) at: Duration,
    /// From the write of a change until a client is led by it.
    pub(super) delay: Duration,
    /// The memory of the proxy's process and of the API server's, in KiB.
    pub(super) memory: [u64; 2],
}

/// The backends in the kernel's map of slots, but for those of the cluster's own Services.
pub(super) fn slots(machine: &Machine) -> std::collections::HashSet<String> {
    let tables = machine.sh("nft list tables");
    if !tables.contains("table ip tidegate\n") {
        return std::collections::HashSet::new();
    }
    let listed = machine.sh("nft list map ip tidegate slots");
    let backends = listed.split(" : ").skip(1);
    let backends = backends.filter_map(|one| one.split_whitespace().next());
    let ours = backends.filter(|one| one.starts_with("100.") || *one == OWN);
    ours.map(str::to_owned).collect()
}

/// The memory that a process holds itself, in KiB.
pub(super) fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("the process runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.expect("the kernel tells it").trim_end_matches("kB");
    kibibytes.trim().parse().expect("a number")
}

/// The samples of each quarter of the storm.
pub(super) fn quarters(samples: &[Sample], duration: Duration) -> Vec<Vec<Sample>> {
    let quarter = |number: u32| {
        let (from, to) = (duration * number / 4, duration * (number + 1) / 4);
        let of_quarter = samples.iter().filter(|one| (from..to).contains(&one.at));
        let of_quarter: Vec<Sample> = of_quarter.copied().collect();
        assert!(
            !of_quarter.is_empty(),
            "no change came into force for long: {samples:?}"
        );
        of_quarter
    };
    (0..4).map(quarter).collect()
}

pub(super) fn median(samples: &[Sample]) -> (Duration, [u64; 2]) {
    let mut delays: Vec<Duration> = samples.iter().map(|sample| sample.delay).collect();
    delays.sort_unstable();
    let memory = [0, 1].map(|process| {
        let mut all: Vec<u64> = samples.iter().map(|one| one.memory[process]).collect();
        all.sort_unstable();
        all[all.len() / 2]
    });
    (delays[delays.len() / 2], memory)
}
