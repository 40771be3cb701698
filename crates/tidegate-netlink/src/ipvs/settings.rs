//! What holds for all virtual servers.

use std::fmt;

/// How long the kernel remembers connections on which nothing moves, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Established TCP connections (the kernel's default: 900).
    pub tcp: u32,
    /// TCP connections of which one side has sent its end (120).
    pub tcp_fin: u32,
    /// UDP (300).
    pub udp: u32,
}

/// What the kernel says about its IPVS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version of the protocol, a byte each for major, minor and patch.
    pub version: u32,
    /// How many chains the table of connections has.
    pub connection_table_size: u32,
}

impl fmt::Display for Timeouts {
    /// Prints them as the arguments of `ipvsadm --set`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.tcp, self.tcp_fin, self.udp)
    }
}

impl fmt::Display for Info {
    /// Prints it as the first line of `ipvsadm -L`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, patch] = self.version.to_be_bytes();
        let size = self.connection_table_size;
        write!(
            f,
            "IP Virtual Server version {major}.{minor}.{patch} (size={size})"
        )
    }
}
