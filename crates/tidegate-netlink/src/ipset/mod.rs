//! The kernel's sets for rules of iptables.
//!
//! A [`Set`] has [`Entry`]s, which are [`Element`]s with what goes with them; [`Ipset`] lists and changes them in the network namespace that it
//! was opened in. All is printed in the notation of `ipset save`.

mod change;
mod constants;
mod element;
mod encode;
mod error;
mod parse;
mod set;

use nix::errno::Errno;

use crate::exchange::Refusal;
use crate::message::flags;
use crate::socket::{NetlinkSocket, SocketError};
use change::ElementChange;
use constants::{
    BIG_ENDIAN, FAMILY, FLAGS, HEADERS_ONLY, OLDEST, OTHER_SET_NAME, PROTOCOL, PROTOCOLS, REVISION,
    SET_NAME, TYPE_NAME, command,
};
pub use element::{Element, Entry, Mark};
pub use error::IpsetError;
use error::NO_SUCH_TYPE;
pub use set::{Set, SetFound, SetType};

/// A connection to the sets of the network namespace that it was opened in.
#[derive(Debug)]
pub struct Ipset {
    socket: NetlinkSocket,
    protocol: u8,
}

/// How long the header of netfilter's messages is.
const HEADER: usize = 4;

impl Ipset {
    /// Opens a connection to the calling thread's network namespace.
    ///
    /// # Errors
    /// The kernel has no sets, or speaks another version of the protocol.
    pub fn open() -> Result<Self, IpsetError> {
        let mut socket = NetlinkSocket::netfilter()?;
        let newest = *PROTOCOLS.end();
        let versions = socket.ask(
            |out, sequence| {
                encode::message(newest, command::PROTOCOL, 0, out, sequence, |_| {});
            },
            |reply| {
                let answer = reply.attributes_behind(HEADER);
                let newest = answer
                    .require(PROTOCOL, "the protocol has no version")?
                    .u8()?;
                let oldest = answer.find(OLDEST)?.map(|oldest| oldest.u8()).transpose()?;
                Ok((oldest.unwrap_or(newest), newest))
            },
        );
        let (oldest, newest) = match versions {
            Ok(versions) => versions,
            // Netfilter knows no such subsystem.
            Err(SocketError::Refused(reason)) if reason.errno == Errno::EINVAL => {
                return Err(IpsetError::Missing);
            }
            Err(error) => return Err(error.into()),
        };
        let protocol = newest.min(*PROTOCOLS.end());
        match protocol >= oldest && PROTOCOLS.contains(&protocol) {
            true => Ok(Self { socket, protocol }),
            false => Err(IpsetError::OtherProtocol { oldest, newest }),
        }
    }

    /// All sets, those of others too, without their elements.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn sets(&mut self) -> Result<Vec<SetFound>, IpsetError> {
        let protocol = self.protocol;
        let sets = self.socket.dump(
            |out, sequence| {
                encode::message(protocol, command::LIST, flags::DUMP, out, sequence, |out| {
                    out.be32(FLAGS | BIG_ENDIAN, HEADERS_ONLY);
                });
            },
            |reply, found| {
                found.extend(parse::set(&reply.attributes_behind(HEADER))?);
                Ok(())
            },
        )?;
        Ok(sets)
    }

    /// The entries of a set, in no particular order; `None` if there is no set of that name. What is
    /// changed meanwhile may be missing.
    ///
    /// # Errors
    /// The kernel refuses, its answer makes no sense, or the set there is of another type.
    pub fn entries(&mut self, set: &Set) -> Result<Option<Vec<Entry>>, IpsetError> {
        let protocol = self.protocol;
        let entries = self.socket.dump(
            |out, sequence| {
                encode::message(protocol, command::LIST, flags::DUMP, out, sequence, |out| {
                    out.string(SET_NAME, &set.name);
                });
            },
            |reply, found| {
                let answer = reply.attributes_behind(HEADER);
                parse::entries(set.set_type, &answer, found)
            },
        );
        match entries {
            Ok(entries) => Ok(Some(entries)),
            Err(SocketError::Refused(reason)) if reason.errno == Errno::ENOENT => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an empty set.
    ///
    /// # Errors
    /// [`IpsetError::MissingType`] if the kernel has no such sets; [`IpsetError::Refused`] with
    /// `EEXIST` if a set of that name is there.
    pub fn create(&mut self, set: &Set) -> Result<(), IpsetError> {
        let revision = self.revision(set)?;
        let created = self.request(command::CREATE, flags::CREATE | flags::EXCLUSIVE, |out| {
            encode::create(set, revision, out);
        })?;
        created.map_err(|reason| match reason.code {
            NO_SUCH_TYPE => IpsetError::missing_type(set.set_type),
            _ => IpsetError::refused(set.to_string(), reason),
        })
    }

    /// The revision of a type to make a set with.
    fn revision(&mut self, set: &Set) -> Result<u8, IpsetError> {
        let protocol = self.protocol;
        let revisions = self.socket.ask(
            |out, sequence| {
                encode::message(protocol, command::TYPE, 0, out, sequence, |out| {
                    out.string(TYPE_NAME, constants::type_name(set.set_type));
                    out.u8(FAMILY, encode::family_number(set));
                });
            },
            |reply| {
                let answer = reply.attributes_behind(HEADER);
                let newest = answer.require(REVISION, "a type has no revision")?.u8()?;
                let oldest = answer.find(OLDEST)?.map(|oldest| oldest.u8()).transpose()?;
                Ok((oldest.unwrap_or(newest), newest))
            },
        );
        match revisions {
            Ok((oldest, newest)) => Ok(constants::revision(set.set_type).min(newest).max(oldest)),
            Err(SocketError::Refused(reason)) if reason.code == NO_SUCH_TYPE => {
                Err(IpsetError::missing_type(set.set_type))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a set and its elements. One that isn't there is no failure.
    ///
    /// # Errors
    /// [`IpsetError::Refused`] with `EBUSY` if a rule or another set refers to it.
    pub fn destroy(&mut self, name: &str) -> Result<(), IpsetError> {
        match self.request(command::DESTROY, 0, |out| out.string(SET_NAME, name))? {
            // Not every kernel knows that this is no failure.
            Err(reason) if reason.errno == Errno::ENOENT => Ok(()),
            Err(reason) => Err(IpsetError::refused(format!("destroy {name}"), reason)),
            Ok(()) => Ok(()),
        }
    }

    /// Deletes all elements of a set.
    ///
    /// # Errors
    /// [`IpsetError::Refused`] with `ENOENT` if there is no set of that name.
    pub fn flush(&mut self, name: &str) -> Result<(), IpsetError> {
        self.request(command::FLUSH, 0, |out| out.string(SET_NAME, name))?
            .map_err(|reason| IpsetError::refused(format!("flush {name}"), reason))
    }

    /// Exchanges two sets of one type at once: rules that refer to either see the other's elements
    /// from then on.
    ///
    /// # Errors
    /// [`IpsetError::Refused`] with `ENOENT` if one isn't there, with `EINVAL` if their types
    /// differ.
    pub fn swap(&mut self, one: &str, other: &str) -> Result<(), IpsetError> {
        let swapped = self.request(command::SWAP, 0, |out| {
            out.string(SET_NAME, one);
            out.string(OTHER_SET_NAME, other);
        })?;
        swapped.map_err(|reason| IpsetError::refused(format!("swap {one} {other}"), reason))
    }

    /// Adds elements, hundreds in a call, and tells which of them the kernel refused. It goes on
    /// behind a refused one. One that is there already is no failure, and gets the mark that is
    /// said now.
    ///
    /// # Errors
    /// [`IpsetError::Refused`] with `ENOENT` if there is no set of that name. The kernel could not
    /// be asked; some may be added by then.
    pub fn add(&mut self, name: &str, entries: &[Entry]) -> Result<Vec<Refusal>, IpsetError> {
        self.change(ElementChange::Add, name, entries)
    }

    /// Deletes elements, hundreds in a call, and tells which of them the kernel refused. It goes on
    /// behind a refused one. One that isn't there is no failure.
    ///
    /// # Errors
    /// [`IpsetError::Refused`] with `ENOENT` if there is no set of that name. The kernel could not
    /// be asked; some may be deleted by then.
    pub fn delete(&mut self, name: &str, elements: &[Element]) -> Result<Vec<Refusal>, IpsetError> {
        let entries: Vec<Entry> = elements.iter().copied().map(Entry::from).collect();
        self.change(ElementChange::Delete, name, &entries)
    }
}
