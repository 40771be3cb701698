//! The modes' names.

use std::fmt;
use std::str::FromStr;

/// A proxy mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The process accepts, dials and moves the bytes; the kernel only redirects.
    Userspace,
    /// Upstream's chains, through the host's `iptables-restore`.
    Iptables,
    /// Virtual servers of the kernel's load balancer.
    Ipvs,
    /// A constant nftables ruleset whose maps are the Services.
    Nftables,
}

impl Mode {
    /// All modes, from the oldest to the newest.
    pub const ALL: [Self; 4] = [Self::Userspace, Self::Iptables, Self::Ipvs, Self::Nftables];

    /// The name as `--proxy-mode` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Userspace => "userspace",
            Self::Iptables => "iptables",
            Self::Ipvs => "ipvs",
            Self::Nftables => "nftables",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no mode of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no proxy mode {0:?}: choose userspace, iptables, ipvs or nftables")]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Self, UnknownMode> {
        let mode = Self::ALL.into_iter().find(|mode| mode.name() == name);
        mode.ok_or_else(|| UnknownMode(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_found_by_its_name() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
        }
        let error = "ebpf".parse::<Mode>().expect_err("not yet").to_string();
        assert!(
            error.contains("\"ebpf\"") && error.contains("nftables"),
            "{error}"
        );
    }
}
