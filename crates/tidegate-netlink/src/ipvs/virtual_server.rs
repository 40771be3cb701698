//! Virtual servers: what clients connect to.

use std::fmt;
use std::net::SocketAddr;

use crate::{Family, Protocol};

/// A virtual server: connections to its address are spread over its real servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualServer {
    /// What tells it from others.
    pub address: VirtualAddress,
    /// The name of the scheduler: `rr`, `wrr`, `lc`, `wlc`, `sh`, `dh`, `sed`, `nq`, `mh` or
    /// another one that the kernel has as a module `ip_vs_…`. With `none` it takes no new
    /// connections.
    pub scheduler: String,
    /// Whether a client comes back to the real server that it had before.
    pub persistence: Option<Persistence>,
    /// Whether each datagram is scheduled by itself (UDP only).
    pub one_packet: bool,
    /// What the hashing schedulers `sh` and `mh` may do.
    pub hashing: Hashing,
}

/// What packets must have for a virtual server to take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VirtualAddress {
    /// Packets to an address and port.
    Port {
        /// TCP, UDP or SCTP; the kernel refuses others.
        protocol: Protocol,
        /// The destination. Port 0 takes what no other virtual server of the address takes, and is
        /// for persistent ones only.
        address: SocketAddr,
    },
    /// Packets of a family with a firewall mark, whatever their address and port. Their real
    /// servers' ports are ignored but for those of masqueraded ones, where 0 keeps the packet's.
    Mark {
        /// The whole mark, not zero. The kernel compares all 32 bits.
        mark: u32,
        /// The family of packets.
        family: Family,
    },
}

/// How a client comes back to the real server that it had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Persistence {
    /// For how many seconds after its last connection ended, at most 86,400 × 31.
    pub timeout: u32,
    /// How many bits of the client's address make the client: 32 or 128 for each by itself.
    pub prefix: u8,
}

/// What the hashing schedulers may do (`sh-fallback`, `mh-fallback`; `sh-port`, `mh-port`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hashing {
    /// Whether another real server is taken when the hash leads to one that takes nothing.
    pub fallback: bool,
    /// Whether the client's port is hashed with its address.
    pub port: bool,
}

impl VirtualServer {
    /// A virtual server without persistence or any other particularity.
    pub fn new(address: VirtualAddress, scheduler: impl Into<String>) -> Self {
        Self {
            address,
            scheduler: scheduler.into(),
            persistence: None,
            one_packet: false,
            hashing: Hashing::default(),
        }
    }
}

impl VirtualAddress {
    /// The family of the packets.
    pub fn family(&self) -> Family {
        match self {
            Self::Port { address, .. } => Family::of(address.ip()),
            Self::Mark { family, .. } => *family,
        }
    }
}

impl fmt::Display for VirtualAddress {
    /// Prints it as `ipvsadm -S -n` does: `-t 10.96.0.1:80`, `-u [fd00::1]:53`, `-f 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { protocol, address } => match *protocol {
                Protocol::TCP => write!(f, "-t {address}"),
                Protocol::UDP => write!(f, "-u {address}"),
                Protocol::SCTP => write!(f, "--sctp-service {address}"),
                other => write!(f, "--{other}-service {address}"),
            },
            Self::Mark { mark, family } => match family {
                Family::V4 => write!(f, "-f {mark}"),
                Family::V6 => write!(f, "-f {mark} -6"),
            },
        }
    }
}

impl fmt::Display for VirtualServer {
    /// Prints it as `ipvsadm -S -n` does, behind `-A`: `-t 10.96.0.1:80 -s rr -p 10800`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -s {}", self.address, self.scheduler)?;
        if let Some(persistence) = self.persistence {
            write!(f, " -p {}", persistence.timeout)?;
            let family = self.address.family();
            if persistence.prefix != family.bits() {
                match family {
                    Family::V4 => {
                        let mask = super::netmask(persistence.prefix);
                        write!(f, " -M {}", std::net::Ipv4Addr::from(mask))?;
                    }
                    Family::V6 => write!(f, " -M {}", persistence.prefix)?,
                }
            }
        }
        if self.one_packet {
            f.write_str(" -o")?;
        }
        let scheduler = match self.scheduler.as_str() {
            hashing @ ("sh" | "mh") => hashing,
            _ => "flag",
        };
        let named = |set, name, number| match (set, scheduler) {
            (false, _) => None,
            (true, "flag") => Some(format!("flag-{number}")),
            (true, scheduler) => Some(format!("{scheduler}-{name}")),
        };
        let flags = [
            named(self.hashing.fallback, "fallback", 1),
            named(self.hashing.port, "port", 2),
        ];
        let flags: Vec<_> = flags.into_iter().flatten().collect();
        match flags.is_empty() {
            true => Ok(()),
            false => write!(f, " -b {}", flags.join(",")),
        }
    }
}
