//! Names and addresses from a hosts file.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::{Report, in_range};
use crate::duration;
use crate::zone_name::ZoneName;

/// Names and addresses from a hosts file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Hosts {
    /// The file; it need not exist.
    pub file: String,
    /// The zones that are answered; those of the server block where a file has none.
    pub zones: Vec<ZoneName>,
    /// Entries beside those of the file.
    pub entries: Vec<HostEntry>,
    /// How long an answer may be kept, in seconds: 1 to 65535.
    pub ttl: u32,
    /// Whether the addresses have names too, in the reverse zones.
    pub reverse: bool,
    /// How often to look if the file has changed; never with zero.
    #[serde(with = "duration")]
    pub reload: Duration,
    /// The zones in which a name that doesn't exist is looked up further on; `.` for all.
    pub fallthrough: Vec<ZoneName>,
    /// Whether questions for other records than addresses of a name that is there are passed on as
    /// well; needs `fallthrough`.
    pub fallthrough_unsupported: bool,
}

/// An address and its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostEntry {
    /// The address.
    pub address: IpAddr,
    /// The names; `*` as the first label stands for any one label.
    pub names: Vec<ZoneName>,
}

impl Hosts {
    pub(crate) fn check(&self, report: Report<'_>) {
        if self.file.is_empty() {
            let text = "there is no file; leave it out for /etc/hosts, or name one";
            report("file", text.to_owned());
        }
        in_range(report, "ttl", self.ttl.into(), 1..=65535);
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.names.is_empty() {
                let text = format!("{} has no name; give one", entry.address);
                report(&format!("entries[{index}]"), text);
            }
        }
        if self.fallthrough_unsupported && self.fallthrough.is_empty() {
            let text = "needs fallthrough, which is missing; add it";
            report("fallthroughUnsupported", text.to_owned());
        }
    }
}

impl Default for Hosts {
    fn default() -> Self {
        Self {
            file: "/etc/hosts".to_owned(),
            zones: Vec::new(),
            entries: Vec::new(),
            ttl: 3600,
            reverse: true,
            reload: Duration::from_secs(5),
            fallthrough: Vec::new(),
            fallthrough_unsupported: false,
        }
    }
}
