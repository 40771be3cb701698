//! How much memory this process has.

use std::fs;

/// What the process may have grown by in a run, in octets: the caches' bounds and what the
/// allocator keeps, and far less than any leak in a million inputs would be.
const ROOM: u64 = 24 << 20;

/// Notes what the process has once everything has been used, and compares that with the end.
pub(super) struct Watermark(u64);

impl Watermark {
    pub(super) fn now() -> Self {
        Self(resident())
    }

    /// # Panics
    /// The process has grown by more than it may.
    pub(super) fn check(&self) {
        let now = resident();
        let grown = now.saturating_sub(self.0);
        assert!(
            grown <= ROOM,
            "memory grew by {grown} octets, from {} to {now}",
            self.0
        );
    }
}

/// The octets of this process that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel tells of us");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a process has memory");
    let kibibytes: u64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    kibibytes << 10
}
