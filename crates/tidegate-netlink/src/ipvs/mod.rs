//! The kernel's IP Virtual Server.
//!
//! A [`VirtualServer`] has [`RealServer`]s; [`Ipvs`] lists and [changes](Change) them in the network
//! namespace that it was opened in. All is printed in the notation of `ipvsadm -S -n`.

mod change;
mod constants;
mod encode;
mod parse;
mod real_server;
mod settings;
mod virtual_server;

use nix::errno::Errno;

use crate::attribute::{Attributes, Malformed};
use crate::exchange::Refusal;
use crate::generic::{GenericError, HEADER, Subsystem};
use crate::message::flags;
use crate::socket::{DUMP_ATTEMPTS, NetlinkSocket, SocketError};
pub use change::Change;
pub use real_server::{Forwarding, RealServer, RealServerFound};
pub use settings::{Info, Timeouts};
pub use virtual_server::{Hashing, Persistence, VirtualAddress, VirtualServer};

use constants::{VERSION, command};

/// A connection to the IPVS of the network namespace that it was opened in.
#[derive(Debug)]
pub struct Ipvs {
    socket: NetlinkSocket,
    subsystem: Subsystem,
}

impl Ipvs {
    /// Opens a connection to the calling thread's network namespace.
    ///
    /// # Errors
    /// [`GenericError::Missing`] if the kernel has no IPVS: it needs the module `ip_vs`.
    pub fn open() -> Result<Self, GenericError> {
        let (socket, subsystem) = Subsystem::open(constants::NAME, VERSION)?;
        Ok(Self { socket, subsystem })
    }

    /// All virtual servers of the namespace, those of others too, in the order of their addresses.
    ///
    /// The kernel tells of many of them in parts. Where it goes on, it counts the virtual servers of
    /// all namespaces (`ip_vs_genl_dump_services`), so that a change in any of them makes it leave out
    /// some of ours or tell them twice, and it doesn't say so. They are read until two readings agree.
    ///
    /// # Errors
    /// The kernel refuses, its answer makes no sense, or no two readings agree.
    pub fn virtual_servers(&mut self) -> Result<Vec<VirtualServer>, SocketError> {
        let mut before = self.one_reading()?;
        for _ in 0..DUMP_ATTEMPTS {
            let now = self.one_reading()?;
            if now == before {
                return Ok(now);
            }
            before = now;
        }
        Err(SocketError::Unsteady)
    }

    /// One virtual server, if it is there.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn virtual_server(
        &mut self,
        address: &VirtualAddress,
    ) -> Result<Option<VirtualServer>, SocketError> {
        let subsystem = self.subsystem;
        let found = self.socket.ask(
            |out, sequence| {
                subsystem.message(out, sequence, command::GET_SERVICE, 0, |out| {
                    encode::virtual_address(address, out);
                });
            },
            |reply| parse::virtual_server(&reply.attributes_behind(HEADER)),
        );
        match found {
            Ok(server) => Ok(Some(server)),
            Err(SocketError::Refused(error)) if error.errno == Errno::ESRCH => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn one_reading(&mut self) -> Result<Vec<VirtualServer>, SocketError> {
        let subsystem = self.subsystem;
        let mut found = self.socket.dump(
            |out, sequence| {
                subsystem.message(out, sequence, command::GET_SERVICE, flags::DUMP, |_| {});
            },
            |reply, found| {
                found.push(parse::virtual_server(&reply.attributes_behind(HEADER))?);
                Ok(())
            },
        )?;
        found.sort_by_key(|server: &VirtualServer| server.address);
        found.dedup_by_key(|server| server.address);
        Ok(found)
    }

    /// The real servers of a virtual server; none if there is no such virtual server.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn real_servers(
        &mut self,
        address: &VirtualAddress,
    ) -> Result<Vec<RealServerFound>, SocketError> {
        let subsystem = self.subsystem;
        self.socket.dump(
            |out, sequence| {
                let get = command::GET_DESTINATION;
                subsystem.message(out, sequence, get, flags::DUMP, |out| {
                    encode::virtual_address(address, out);
                });
            },
            |reply, found| {
                let attributes = reply.attributes_behind(HEADER);
                found.push(parse::real_server(address.family(), &attributes)?);
                Ok(())
            },
        )
    }

    /// All virtual servers with their real servers. The kernel tells those of one virtual server at
    /// a time, which takes microseconds.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn servers(&mut self) -> Result<Vec<(VirtualServer, Vec<RealServerFound>)>, SocketError> {
        let virtual_servers = self.virtual_servers()?;
        let with_real = virtual_servers.into_iter().map(|server| {
            let real_servers = self.real_servers(&server.address)?;
            Ok((server, real_servers))
        });
        with_real.collect()
    }

    /// Changes virtual and real servers, in order, and tells which changes the kernel refused. It
    /// goes on behind a refused one. This takes one call into the kernel for hundreds of changes.
    ///
    /// # Errors
    /// The kernel could not be asked; some changes may be done by then.
    pub fn change(&mut self, changes: &[Change]) -> Result<Vec<Refusal>, SocketError> {
        let subsystem = self.subsystem;
        self.socket
            .request_all(changes.len(), |index, out, sequence| {
                encode::change(subsystem, &changes[index], out, sequence)
            })
    }

    /// How long connections are remembered.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn timeouts(&mut self) -> Result<Timeouts, SocketError> {
        self.get(command::GET_CONFIG, parse::timeouts)
    }

    /// Sets how long connections are remembered; 0 leaves a time-out as it is.
    ///
    /// # Errors
    /// The kernel refuses, most often for lack of privilege.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), SocketError> {
        let subsystem = self.subsystem;
        let refusals = self.socket.request_all(1, |_, out, sequence| {
            encode::timeouts(subsystem, timeouts, out, sequence)
        })?;
        match refusals.into_iter().next() {
            Some(refusal) => Err(SocketError::Refused(refusal.reason)),
            None => Ok(()),
        }
    }

    /// The kernel's version of IPVS and the size of its table of connections.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn info(&mut self) -> Result<Info, SocketError> {
        self.get(command::GET_INFO, parse::info)
    }

    fn get<T>(
        &mut self,
        command: u8,
        read: impl Fn(&Attributes<'_>) -> Result<T, Malformed>,
    ) -> Result<T, SocketError> {
        let subsystem = self.subsystem;
        self.socket.ask(
            |out, sequence| {
                subsystem.message(out, sequence, command, 0, |_| {});
            },
            |reply| read(&reply.attributes_behind(HEADER)),
        )
    }
}

/// The mask that leaves so many bits of an IPv4 address.
fn netmask(prefix: u8) -> u32 {
    u32::MAX
        .checked_shl(32 - u32::from(prefix.min(32)))
        .unwrap_or(0)
}
