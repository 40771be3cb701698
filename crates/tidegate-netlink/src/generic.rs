//! Generic netlink: subsystems that have a name, for which the kernel gives out a number at run
//! time.

use netlink_sys::protocols::NETLINK_GENERIC;
use nix::errno::Errno;

use crate::attribute::Encoder;
use crate::socket::{NetlinkSocket, SocketError};

/// Why a subsystem of generic netlink can't be used.
#[derive(Debug, thiserror::Error)]
pub enum GenericError {
    /// The kernel has no such subsystem, or its module isn't loaded.
    #[error("the kernel has no `{subsystem}` (its module isn't there or isn't loaded)")]
    Missing {
        /// The name of the subsystem.
        subsystem: String,
    },
    /// The kernel could not be asked.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// The controller, which knows the others: `GENL_ID_CTRL` and `CTRL_CMD_GETFAMILY`.
const CONTROLLER: Subsystem = Subsystem {
    number: 16,
    version: 1,
};
const GET: u8 = 3;
/// How long the header of generic netlink is: command, version, two bytes unused.
pub(crate) const HEADER: usize = 4;
/// `CTRL_ATTR_FAMILY_ID` and `CTRL_ATTR_FAMILY_NAME`.
const NUMBER: u16 = 1;
const NAME: u16 = 2;

/// A subsystem of generic netlink, as its messages name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subsystem {
    number: u16,
    version: u8,
}

impl Subsystem {
    /// Opens a socket and looks a subsystem up. The kernel loads its module where it can.
    pub(crate) fn open(name: &str, version: u8) -> Result<(NetlinkSocket, Self), GenericError> {
        let mut socket = NetlinkSocket::open(NETLINK_GENERIC)?;
        let found = socket.ask(
            |out, sequence| look_up(name, out, sequence),
            |reply| {
                let attributes = reply.attributes_behind(HEADER);
                let number = attributes.require(NUMBER, "a subsystem has no number")?;
                number.ne16()
            },
        );
        match found {
            Ok(number) => Ok((socket, Self { number, version })),
            Err(SocketError::Refused(reason)) if reason.errno == Errno::ENOENT => {
                let subsystem = name.to_owned();
                Err(GenericError::Missing { subsystem })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A subsystem with a number that nobody gave it.
    #[cfg(test)]
    pub(crate) const fn numbered(number: u16, version: u8) -> Self {
        Self { number, version }
    }

    /// Appends a request and gives the place where it starts.
    pub(crate) fn message(
        self,
        out: &mut Encoder,
        sequence: u32,
        command: u8,
        request_flags: u16,
        fill: impl FnOnce(&mut Encoder),
    ) -> usize {
        let header = [command, self.version, 0, 0];
        out.message_behind(self.number, request_flags, &header, sequence, fill)
    }
}

/// Asks the controller for a subsystem.
fn look_up(name: &str, out: &mut Encoder, sequence: u32) {
    CONTROLLER.message(out, sequence, GET, 0, |out| out.string(NAME, name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::assert_bytes;

    #[test]
    fn a_subsystem_is_looked_up_as_ipvsadm_does() {
        let mut out = Encoder::default();
        look_up("IPVS", &mut out, 7);
        assert_bytes(
            &out.buffer,
            "20 00 00 00  # 32 bytes
             10 00 01 00  # to the controller; a request
             07 00 00 00  # its number
             00 00 00 00  # from whom: the kernel knows
             03 01 00 00  # CTRL_CMD_GETFAMILY, version 1
             09 00 02 00  # CTRL_ATTR_FAMILY_NAME, 9 bytes
             49 50 56 53 00 00 00 00  # IPVS",
        );
    }

    #[test]
    fn the_controller_finds_itself() {
        let (_, found) = Subsystem::open("nlctrl", 1).expect("generic netlink is there");
        assert_eq!(found.number, CONTROLLER.number);
    }

    #[test]
    fn a_subsystem_that_is_not_there_is_named() {
        let error = Subsystem::open("no-such-thing", 1).expect_err("it isn't there");
        assert_eq!(
            error.to_string(),
            "the kernel has no `no-such-thing` (its module isn't there or isn't loaded)"
        );
    }
}
