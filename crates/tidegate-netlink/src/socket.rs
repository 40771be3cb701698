//! A netlink socket to the kernel.

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use crate::attribute::{Encoder, Malformed};
use crate::kernel_error::KernelError;
use crate::message::{Body, Replies, Reply};

/// The kernel fills at most 32 KiB of a dump into one datagram, if the reader offers that much.
const DATAGRAM: usize = 64 * 1024;
/// Room for the answers to one batch. They are queued before we read the first one.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// What the kernel needs in a send buffer besides the message.
const SEND_OVERHEAD: usize = 4096;
/// How often a dump is begun anew because the state changed under it.
pub(crate) const DUMP_ATTEMPTS: usize = 20;

/// Why the kernel could not be asked, or its answer not be understood.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// There is no netlink for what was asked for, or no privilege or room for a socket.
    #[error(
        "can't open a netlink socket: {}{}",
        .0.desc(),
        if *.0 == Errno::EPROTONOSUPPORT { "; the kernel needs CONFIG_NETFILTER_NETLINK" } else { "" }
    )]
    Open(Errno),
    /// The message did not leave.
    #[error("can't send {bytes} bytes to the kernel: {}", .errno.desc())]
    Send {
        /// The message's length.
        bytes: usize,
        /// The reason.
        errno: Errno,
    },
    /// No answer could be read.
    #[error("can't read the kernel's answer: {}", .0.desc())]
    Receive(Errno),
    /// The answer makes no sense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The kernel refused to tell, or to do what was asked.
    #[error("the kernel refused: {0}")]
    Refused(#[from] KernelError),
    /// Every attempt to list the state was overtaken by a change of it.
    #[error("the kernel's state changed each time that it was read; try again later")]
    Unsteady,
    /// The request is longer than the protocol can carry.
    #[error("a request to the kernel is too long: an attribute can't exceed 65,535 bytes")]
    TooLong,
}

/// A netlink socket with error explanations switched on.
#[derive(Debug)]
pub(crate) struct NetlinkSocket {
    socket: Socket,
    sequence: u32,
    send_buffer: usize,
    datagram: Vec<u8>,
}

impl NetlinkSocket {
    /// Opens a socket to netfilter's subsystems.
    pub(crate) fn netfilter() -> Result<Self, SocketError> {
        Self::open(NETLINK_NETFILTER)
    }

    /// Opens a socket to one of the kernel's netlink protocols.
    pub(crate) fn open(protocol: isize) -> Result<Self, SocketError> {
        let failed = |error| SocketError::Open(errno(&error));
        let mut socket = Socket::new(protocol).map_err(failed)?;
        socket.bind_auto().map_err(failed)?;
        socket.set_ext_ack(true).map_err(failed)?;
        socket.set_cap_ack(true).map_err(failed)?;
        // Without the privilege to go past the system's limit the default buffer has to do: then
        // only the answers to very large batches don't fit, and `ENOBUFS` tells us.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
        Ok(Self {
            socket,
            sequence: 0,
            send_buffer: 0,
            datagram: Vec::with_capacity(DATAGRAM),
        })
    }

    /// Reserves `count` sequence numbers and gives the first.
    pub(crate) fn next_sequence(&mut self, count: u32) -> u32 {
        let first = self.sequence.wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(count);
        first
    }

    /// Sends one or many messages at once.
    pub(crate) fn send(&mut self, messages: &Encoder) -> Result<(), SocketError> {
        if messages.overflowed {
            return Err(SocketError::TooLong);
        }
        let bytes = messages.buffer.len();
        let failed = |errno| SocketError::Send { bytes, errno };
        if bytes + SEND_OVERHEAD > self.send_buffer {
            setsockopt(&self.socket, sockopt::SndBufForce, &(bytes + SEND_OVERHEAD))
                .map_err(failed)?;
            self.send_buffer = bytes + SEND_OVERHEAD;
        }
        let kernel = SocketAddr::new(0, 0);
        loop {
            match self.socket.send_to(&messages.buffer, &kernel, 0) {
                Ok(_) => return Ok(()),
                Err(error) if errno(&error) == Errno::EINTR => {}
                Err(error) => return Err(failed(errno(&error))),
            }
        }
    }

    /// The next datagram, or `None` if none is there. The kernel answers within the call that
    /// sends, and a dump's next part within the call that receives: there is nothing to wait for.
    pub(crate) fn receive(&mut self) -> Result<Option<&[u8]>, SocketError> {
        loop {
            self.datagram.clear();
            match self.socket.recv(&mut self.datagram, libc::MSG_DONTWAIT) {
                Ok(_) => return Ok(Some(&self.datagram)),
                Err(error) => match errno(&error) {
                    Errno::EINTR => {}
                    Errno::EAGAIN => return Ok(None),
                    other => return Err(SocketError::Receive(other)),
                },
            }
        }
    }

    /// Lists objects from one consistent state of the kernel: `each` reads a reply and appends
    /// what it finds. A dump that was overtaken by a change is begun anew.
    pub(crate) fn dump<T>(
        &mut self,
        message: impl Fn(&mut Encoder, u32),
        mut each: impl FnMut(&Reply<'_>, &mut Vec<T>) -> Result<(), Malformed>,
    ) -> Result<Vec<T>, SocketError> {
        for _ in 0..DUMP_ATTEMPTS {
            let sequence = self.next_sequence(1);
            let mut request = Encoder::default();
            message(&mut request, sequence);
            self.send(&request)?;
            let mut found = Vec::new();
            match self.read_dump(sequence, |reply| each(reply, &mut found)) {
                Ok(true) => return Ok(found),
                Ok(false) => {}
                Err(error) => {
                    // What is left of this dump would be in the way of the next one.
                    while self.receive()?.is_some() {}
                    return Err(error);
                }
            }
        }
        Err(SocketError::Unsteady)
    }

    /// Reads a dump to its end and says whether it was consistent.
    fn read_dump(
        &mut self,
        sequence: u32,
        mut each: impl FnMut(&Reply<'_>) -> Result<(), Malformed>,
    ) -> Result<bool, SocketError> {
        let mut consistent = true;
        loop {
            let Some(datagram) = self.receive()? else {
                return Err(Malformed("a list ends without its closing message").into());
            };
            for reply in Replies::new(datagram) {
                let reply = reply?;
                if reply.sequence != sequence {
                    continue;
                }
                consistent &= !reply.interrupted;
                match &reply.body {
                    Body::Object(_) => each(&reply)?,
                    Body::Done | Body::Verdict(Ok(())) => return Ok(consistent),
                    // The state changed between two parts of the dump.
                    Body::Verdict(Err(error)) if error.errno == Errno::EINTR => return Ok(false),
                    Body::Verdict(Err(error)) => return Err(error.clone().into()),
                }
            }
        }
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}
