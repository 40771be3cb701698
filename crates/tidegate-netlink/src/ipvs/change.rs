//! Changes of virtual and real servers.

use std::fmt;
use std::net::SocketAddr;

use super::{RealServer, VirtualAddress, VirtualServer};

/// One change, in the words of `ipvsadm`.
///
/// The kernel refuses with `EEXIST` what is to be added and is there, with `ESRCH` (a virtual
/// server) or `ENOENT` (a real server) what is to be changed or deleted and isn't there, with
/// `ENOENT` a scheduler that it doesn't have. It refuses with `EINVAL` a real server of IPv4 whose
/// address can't be a machine's, and any in a network namespace that never had an address: the
/// loopback device has to be switched on first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Makes a virtual server without real servers.
    AddVirtual(VirtualServer),
    /// Changes the scheduler, persistence and flags of a virtual server. Connections go on.
    SetVirtual(VirtualServer),
    /// Deletes a virtual server and its real servers. Packets of its connections are no longer
    /// forwarded.
    DeleteVirtual(VirtualAddress),
    /// Adds a real server.
    AddReal(VirtualAddress, RealServer),
    /// Changes the weight, forwarding and limits of a real server. Connections go on.
    SetReal(VirtualAddress, RealServer),
    /// Deletes a real server. Packets of its connections are no longer forwarded; if it is added
    /// again in time, they are.
    DeleteReal(VirtualAddress, SocketAddr),
}

impl fmt::Display for Change {
    /// Prints it as `ipvsadm`'s arguments: `-A -t 10.96.0.1:80 -s rr`,
    /// `-d -t 10.96.0.1:80 -r 10.244.0.5:9376`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddVirtual(server) => write!(f, "-A {server}"),
            Self::SetVirtual(server) => write!(f, "-E {server}"),
            Self::DeleteVirtual(address) => write!(f, "-D {address}"),
            Self::AddReal(address, server) => write!(f, "-a {address} {server}"),
            Self::SetReal(address, server) => write!(f, "-e {address} {server}"),
            Self::DeleteReal(address, server) => write!(f, "-d {address} -r {server}"),
        }
    }
}
