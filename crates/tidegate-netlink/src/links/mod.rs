//! Network devices and addresses of this machine.
//!
//! [`Links`] makes and deletes dummy devices, gives them addresses by the thousand, and lists the
//! machine's addresses, in the network namespace that it was opened in.

mod constants;
mod encode;
mod error;
mod link;
mod parse;

use std::net::IpAddr;

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;

use crate::attribute::Encoder;
use crate::exchange::Refusal;
use crate::kernel_error::KernelError;
use crate::socket::{NetlinkSocket, SocketError};
pub use error::LinkError;
pub use link::{Link, LinkAddress, Scope};

/// A connection to the network devices of the network namespace that it was opened in.
#[derive(Debug)]
pub struct Links {
    socket: NetlinkSocket,
}

/// The kind of devices that swallow what is sent through them, and carry addresses.
const DUMMY: &str = "dummy";

/// How the kernel says that packets to an address go nowhere: there is no route, or one that
/// is unreachable, prohibited, or a black hole.
const NO_ROUTE: [Errno; 4] = [
    Errno::ENETUNREACH,
    Errno::EHOSTUNREACH,
    Errno::EACCES,
    Errno::EINVAL,
];

impl Links {
    /// Opens a connection to the calling thread's network namespace.
    ///
    /// # Errors
    /// There is no room for another socket.
    pub fn open() -> Result<Self, SocketError> {
        let socket = NetlinkSocket::open(NETLINK_ROUTE)?;
        Ok(Self { socket })
    }

    /// The device of a name, if there is one.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn find(&mut self, name: &str) -> Result<Option<Link>, SocketError> {
        let found = self.socket.ask(
            |out, sequence| encode::find(name, out, sequence),
            parse::link,
        );
        match found {
            Ok(link) => Ok(Some(link)),
            Err(SocketError::Refused(reason)) if reason.errno == Errno::ENODEV => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The dummy device of a name, which is made if there is none. It is not switched on.
    ///
    /// # Errors
    /// [`LinkError::NotDummy`] if something else has the name, [`LinkError::NoDummies`] if the
    /// kernel can't make one.
    pub fn ensure_dummy(&mut self, name: &str) -> Result<Link, LinkError> {
        for _ in 0..2 {
            match self.find(name)? {
                Some(link) if link.kind.as_deref() == Some(DUMMY) => return Ok(link),
                Some(Link { kind, .. }) => {
                    let name = name.to_owned();
                    return Err(LinkError::NotDummy { name, kind });
                }
                None => self.create_dummy(name)?,
            }
        }
        Err(SocketError::Unsteady.into())
    }

    fn create_dummy(&mut self, name: &str) -> Result<(), LinkError> {
        let created = self.request(|out, sequence| encode::create(name, DUMMY, out, sequence))?;
        match created {
            Err(reason) if reason.errno == Errno::EOPNOTSUPP => Err(LinkError::NoDummies),
            // Somebody made it in the meantime.
            Err(reason) if reason.errno == Errno::EEXIST => Ok(()),
            Err(reason) => Err(refused("create", name, reason)),
            Ok(()) => Ok(()),
        }
    }

    /// Deletes a device with its addresses. It is no failure if it is gone already.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn delete(&mut self, link: &Link) -> Result<(), LinkError> {
        let deleted = self.request(|out, sequence| encode::delete(link.index, out, sequence))?;
        match deleted {
            Err(reason) if reason.errno != Errno::ENODEV => {
                Err(refused("delete", &link.name, reason))
            }
            _ => Ok(()),
        }
    }

    /// Gives a device addresses that have no neighbours (/32 or /128), hundreds in a call, and
    /// tells which of them the kernel refused. One that it has already is no failure.
    ///
    /// # Errors
    /// The kernel could not be asked; some may be added by then.
    pub fn add_addresses(
        &mut self,
        link: &Link,
        addresses: &[IpAddr],
    ) -> Result<Vec<Refusal>, SocketError> {
        let count = addresses.len();
        self.socket.request_all(count, |index, out, sequence| {
            encode::add_address(link.index, addresses[index], out, sequence)
        })
    }

    /// Takes addresses without neighbours (/32 or /128) from a device, hundreds in a call, and
    /// tells which the kernel refused. One that it doesn't have is no failure.
    ///
    /// # Errors
    /// The kernel could not be asked; some may be deleted by then.
    pub fn delete_addresses(
        &mut self,
        link: &Link,
        addresses: &[IpAddr],
    ) -> Result<Vec<Refusal>, SocketError> {
        let count = addresses.len();
        let mut refusals = self.socket.request_all(count, |index, out, sequence| {
            encode::delete_address(link.index, addresses[index], out, sequence)
        })?;
        refusals.retain(|refusal| refusal.reason.errno != Errno::EADDRNOTAVAIL);
        Ok(refusals)
    }

    /// Whether packets to an address end at this machine. The kernel makes the route of a new
    /// address of IPv6 only some time after it has acknowledged the address.
    ///
    /// # Errors
    /// The kernel could not be asked, or its answer makes no sense.
    pub fn is_local(&mut self, address: IpAddr) -> Result<bool, SocketError> {
        let found = self.socket.ask(
            |out, sequence| encode::find_route(address, out, sequence),
            parse::route_ends_here,
        );
        match found {
            Err(SocketError::Refused(reason)) if NO_ROUTE.contains(&reason.errno) => Ok(false),
            other => other,
        }
    }

    /// All addresses of this machine, of all devices, whether they are switched on or not.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn addresses(&mut self) -> Result<Vec<LinkAddress>, SocketError> {
        self.socket.dump(encode::list_addresses, |reply, found| {
            found.extend(parse::address(reply)?);
            Ok(())
        })
    }

    /// Does a single request.
    fn request(
        &mut self,
        encode: impl Fn(&mut Encoder, u32) -> usize,
    ) -> Result<Result<(), KernelError>, SocketError> {
        let refusals = self
            .socket
            .request_all(1, |_, out, sequence| encode(out, sequence))?;
        let refusal = refusals.into_iter().next();
        Ok(refusal.map_or(Ok(()), |refusal| Err(refusal.reason)))
    }
}

fn refused(action: &'static str, name: &str, reason: KernelError) -> LinkError {
    let name = name.to_owned();
    LinkError::Refused {
        action,
        name,
        reason,
    }
}
