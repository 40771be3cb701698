//! The way to the kernel: commits batches and reads what is there.

use std::fmt;
use std::ops::Range;

use nix::errno::Errno;

use super::Batch;
use super::batch::Message;
use crate::attribute::Malformed;
use crate::kernel_error::KernelError;
use crate::message::{Body, Replies};
use crate::socket::{NetlinkSocket, SocketError};

/// A connection to the packet filter of the network namespace that it was opened in.
#[derive(Debug)]
pub struct Nftables {
    pub(crate) socket: NetlinkSocket,
}

/// Why a batch was not committed. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The kernel could not be asked.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Somebody else committed something since the batch's generation was read.
    #[error("somebody else changed the packet filter in the meantime; read it again and retry")]
    Overtaken,
    /// The kernel refused the batch as a whole, most often for lack of privilege.
    #[error("the kernel refused the transaction: {0}")]
    Whole(KernelError),
    /// The kernel refused some of the batch's messages. The first is the cause; later ones may
    /// only be consequences.
    #[error("the kernel refused `{}`: {}{}", .0[0].object, .0[0].reason, Others(.0.len() - 1))]
    Refused(Vec<Refused>),
}

/// A message that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which call to the batch added the message, counted from zero.
    pub call: usize,
    /// Which of that call's elements the message has; empty if it has none.
    pub elements: Range<usize>,
    /// The message in `nft`'s notation.
    pub object: String,
    /// The kernel's reason.
    pub reason: KernelError,
}

struct Others(usize);

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " (and {count} more)"),
        }
    }
}

impl Nftables {
    /// Opens a connection to the calling thread's network namespace.
    ///
    /// # Errors
    /// The kernel has no netfilter netlink.
    pub fn open() -> Result<Self, SocketError> {
        let socket = NetlinkSocket::netfilter()?;
        Ok(Self { socket })
    }

    /// Commits a batch: packets see all of it or nothing. An empty batch is nothing to do.
    ///
    /// # Errors
    /// See [`CommitError`]; whichever it is, nothing was changed.
    pub fn commit(&mut self, mut batch: Batch) -> Result<(), CommitError> {
        let Some(count) = u32::try_from(batch.messages.len())
            .ok()
            .filter(|count| *count > 0)
        else {
            return Ok(());
        };
        let first = self.socket.next_sequence(count + 2);
        batch.finish(first);
        self.socket.send(&batch.encoder)?;
        self.read_verdicts(first, &batch.messages)
    }

    /// Reads what the kernel says about a batch: a line for each message that failed, and a
    /// confirmation of the last one if none did.
    fn read_verdicts(&mut self, first: u32, messages: &[Message]) -> Result<(), CommitError> {
        let mut refused = Vec::new();
        let mut whole = None;
        let mut confirmed = false;
        loop {
            let datagram = match self.socket.receive() {
                Ok(Some(datagram)) => datagram,
                Ok(None) => break,
                // More failed than the socket could hold; what it holds is enough to report.
                Err(SocketError::Receive(Errno::ENOBUFS)) if !refused.is_empty() => continue,
                Err(error) => return Err(error.into()),
            };
            for reply in Replies::new(datagram) {
                let reply = reply.map_err(SocketError::from)?;
                let index = reply.sequence.wrapping_sub(first) as usize;
                let reason = match reply.body {
                    Body::Verdict(Ok(())) => {
                        confirmed |= index == messages.len();
                        continue;
                    }
                    Body::Verdict(Err(reason)) => reason,
                    Body::Object(_) | Body::Done => continue,
                };
                match index.checked_sub(1).and_then(|index| messages.get(index)) {
                    Some(message) => refused.push(Refused {
                        call: message.call,
                        elements: message.elements.clone(),
                        object: message.object.clone(),
                        reason,
                    }),
                    None => whole = Some(reason),
                }
            }
        }
        match whole {
            Some(reason) if reason.errno as i32 == ERESTART => Err(CommitError::Overtaken),
            Some(reason) => Err(CommitError::Whole(reason)),
            None if !refused.is_empty() => Err(CommitError::Refused(refused)),
            None if confirmed => Ok(()),
            None => Err(
                SocketError::from(Malformed("a batch was neither confirmed nor refused")).into(),
            ),
        }
    }
}

/// The kernel's error for a batch whose generation has passed.
const ERESTART: i32 = 85;
