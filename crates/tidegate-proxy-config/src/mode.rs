//! The proxy modes by name.

use std::fmt;

use crate::KubeProxyConfiguration;

/// A proxy mode as `--proxy-mode` and the field `mode` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProxyMode {
    /// The best one that works here, with the periods and the mark of iptables whichever that is.
    /// Ours; upstream has no such mode.
    Auto,
    /// `iptables`, which is also what an empty name means, as upstream.
    Iptables,
    /// `ipvs`.
    Ipvs,
    /// `nftables`.
    Nftables,
    /// `userspace`. Ours; upstream removed its own in 1.26.
    Userspace,
}

impl ProxyMode {
    /// All modes, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::Auto,
        Self::Iptables,
        Self::Ipvs,
        Self::Nftables,
        Self::Userspace,
    ];

    /// The mode of this name. Case counts, as upstream.
    pub fn from_name(name: &str) -> Option<Self> {
        if name.is_empty() {
            return Some(Self::Iptables);
        }
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Iptables => "iptables",
            Self::Ipvs => "ipvs",
            Self::Nftables => "nftables",
            Self::Userspace => "userspace",
        }
    }
}

impl fmt::Display for ProxyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl KubeProxyConfiguration {
    /// The mode that the field `mode` names; none if there is no such mode, which validation
    /// refuses.
    pub fn proxy_mode(&self) -> Option<ProxyMode> {
        ProxyMode::from_name(&self.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_mode_is_iptables_as_upstream() {
        assert_eq!(ProxyMode::from_name(""), Some(ProxyMode::Iptables));
        for mode in ProxyMode::ALL {
            assert_eq!(ProxyMode::from_name(mode.name()), Some(mode));
        }
        for unknown in ["ebpf", "kernelspace", "IPVS", " ipvs"] {
            assert_eq!(ProxyMode::from_name(unknown), None, "{unknown}");
        }
    }
}
