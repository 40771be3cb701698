//! The kernel's settings of connection tracking, as kube-proxy makes them when it starts.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The directory of the settings under /proc.
const SETTINGS: &str = "proc/sys/net/netfilter";

/// The number of hash buckets, which `nf_conntrack_max` is to be four times of.
const BUCKETS: &str = "sys/module/nf_conntrack/parameters/hashsize";

/// How many connections one hash bucket is for.
const CONNECTIONS_A_BUCKET: u64 = 4;

/// The `conntrack` section of kube-proxy's configuration. What is `None` or zero is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConntrackSettings {
    /// Connections a processor core.
    pub max_per_core: u32,
    /// The least number of connections, whatever the number of cores.
    pub min: u32,
    /// How long an established TCP connection may idle.
    pub tcp_established_timeout: Option<Duration>,
    /// How long a TCP connection may stay half-closed.
    pub tcp_close_wait_timeout: Option<Duration>,
    /// Let packets pass that are outside of the TCP window.
    pub tcp_be_liberal: bool,
    /// How long a UDP flow without an answer is known.
    pub udp_timeout: Option<Duration>,
    /// How long a UDP flow with answers is known.
    pub udp_stream_timeout: Option<Duration>,
}

/// What was done about one setting.
#[derive(Debug)]
pub struct SysctlReport {
    /// The setting's file.
    pub path: PathBuf,
    /// What came of it.
    pub result: SysctlResult,
}

/// What came of one setting.
#[derive(Debug)]
pub enum SysctlResult {
    /// It was as wanted, or better.
    Kept(u64),
    /// It was changed, from the first value to the second.
    Changed(u64, u64),
    /// It could not be made this value. A container's /proc is often read-only: the same can be
    /// set on the host then.
    Failed(u64, io::Error),
}

impl ConntrackSettings {
    /// Makes the kernel's settings these, and says what was done. Nothing here is fatal.
    ///
    /// `nf_conntrack_max` and the number of buckets are only ever raised: somebody may have had
    /// reason for more. `root` is where /proc and /sys are.
    pub fn apply(&self, root: &Path, cores: u32) -> Vec<SysctlReport> {
        let setting = |name: &str| root.join(SETTINGS).join(name);
        let mut reports = Vec::new();
        if self.max_per_core > 0 {
            let wanted = u64::from(self.max_per_core) * u64::from(cores);
            let wanted = wanted.max(u64::from(self.min));
            let buckets = wanted.div_ceil(CONNECTIONS_A_BUCKET);
            reports.push(set(setting("nf_conntrack_max"), wanted, Change::Raise));
            reports.push(set(root.join(BUCKETS), buckets, Change::Raise));
        }
        let timeouts = [
            (
                "nf_conntrack_tcp_timeout_established",
                self.tcp_established_timeout,
            ),
            (
                "nf_conntrack_tcp_timeout_close_wait",
                self.tcp_close_wait_timeout,
            ),
            ("nf_conntrack_udp_timeout", self.udp_timeout),
            ("nf_conntrack_udp_timeout_stream", self.udp_stream_timeout),
        ];
        for (name, timeout) in timeouts {
            let seconds = timeout.map_or(0, |timeout| timeout.as_secs());
            if seconds > 0 {
                reports.push(set(setting(name), seconds, Change::Set));
            }
        }
        if self.tcp_be_liberal {
            reports.push(set(setting("nf_conntrack_tcp_be_liberal"), 1, Change::Set));
        }
        reports
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Raise,
    Set,
}

fn set(path: PathBuf, wanted: u64, change: Change) -> SysctlReport {
    let attempt = || {
        let text = fs::read_to_string(&path)?;
        let found = text.trim().parse::<u64>();
        let found = found.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if found == wanted || (change == Change::Raise && found > wanted) {
            return Ok(SysctlResult::Kept(found));
        }
        fs::write(&path, wanted.to_string())?;
        Ok(SysctlResult::Changed(found, wanted))
    };
    let result = attempt().unwrap_or_else(|error| SysctlResult::Failed(wanted, error));
    SysctlReport { path, result }
}

impl SysctlReport {
    /// Logs what was done: a failure is a warning, for the node works without.
    pub fn log(&self) {
        match self.result {
            SysctlResult::Kept(_) => tracing::debug!("{self}"),
            SysctlResult::Changed(..) => tracing::info!("{self}"),
            SysctlResult::Failed(..) => tracing::warn!("{self}"),
        }
    }
}

impl fmt::Display for SysctlReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.result {
            SysctlResult::Kept(found) => write!(f, "{path} stays {found}"),
            SysctlResult::Changed(found, wanted) => write!(f, "{path} was {found}, is {wanted}"),
            SysctlResult::Failed(wanted, error) => write!(
                f,
                "{path} could not be set to {wanted} ({error}): set it on the host if connections \
                 are dropped for want of room"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(max: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        let settings = root.path().join(SETTINGS);
        fs::create_dir_all(&settings).expect("a directory");
        let buckets = root.path().join(BUCKETS);
        fs::create_dir_all(buckets.parent().expect("has one")).expect("a directory");
        fs::write(buckets, "65536\n").expect("a file");
        fs::write(settings.join("nf_conntrack_max"), max).expect("a file");
        fs::write(settings.join("nf_conntrack_udp_timeout"), "30\n").expect("a file");
        root
    }

    fn results(settings: &ConntrackSettings, root: &Path) -> Vec<String> {
        let reports = settings.apply(root, 8);
        let relative = |report: SysctlReport| {
            let text = report.to_string();
            let (text, _) = text.split_once(':').unwrap_or((&text, ""));
            text.replace(&root.display().to_string(), "")
        };
        reports.into_iter().map(relative).collect()
    }

    #[test]
    fn the_table_grows_with_the_cores_and_never_shrinks() {
        let settings = ConntrackSettings {
            max_per_core: 32_768,
            min: 131_072,
            ..ConntrackSettings::default()
        };
        let small = machine("65536\n");
        insta::assert_snapshot!(results(&settings, small.path()).join("\n"), @r"
        /proc/sys/net/netfilter/nf_conntrack_max was 65536, is 262144
        /sys/module/nf_conntrack/parameters/hashsize stays 65536
        ");
        let large = machine("1048576\n");
        insta::assert_snapshot!(results(&settings, large.path()).join("\n"), @r"
        /proc/sys/net/netfilter/nf_conntrack_max stays 1048576
        /sys/module/nf_conntrack/parameters/hashsize stays 65536
        ");
    }

    #[test]
    fn what_is_not_given_is_left_alone_and_what_is_missing_is_named() {
        let root = machine("65536\n");
        let nothing = ConntrackSettings::default();
        assert_eq!(results(&nothing, root.path()), Vec::<String>::new());
        let some = ConntrackSettings {
            udp_timeout: Some(Duration::from_secs(60)),
            tcp_be_liberal: true,
            ..ConntrackSettings::default()
        };
        insta::assert_snapshot!(results(&some, root.path()).join("\n"), @r"
        /proc/sys/net/netfilter/nf_conntrack_udp_timeout was 30, is 60
        /proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal could not be set to 1 (No such file or directory (os error 2))
        ");
    }
}
