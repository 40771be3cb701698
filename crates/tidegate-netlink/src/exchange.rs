//! Exchanges over a socket: many requests at once, and single questions.

use crate::attribute::{Encoder, Malformed};
use crate::kernel_error::KernelError;
use crate::message::{Body, Replies, Reply};
use crate::socket::{NetlinkSocket, SocketError};

/// How many requests leave in one call. Should the kernel refuse each of them, its answers fit the
/// socket's buffer.
const AT_ONCE: usize = 256;

/// One of many requests that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Which request, counted from zero.
    pub index: usize,
    /// The kernel's reason.
    pub reason: KernelError,
}

impl NetlinkSocket {
    /// Sends `count` requests, hundreds in a call, and tells which of them the kernel refused. The
    /// kernel does them in order, and goes on behind one that it refuses.
    ///
    /// `encode` appends the request of an index and gives the place where it starts. It doesn't ask
    /// for a confirmation: the kernel always tells of failures, and one confirmation tells that all
    /// before it is done.
    pub(crate) fn request_all(
        &mut self,
        count: usize,
        mut encode: impl FnMut(usize, &mut Encoder, u32) -> usize,
    ) -> Result<Vec<Refusal>, SocketError> {
        let mut refusals = Vec::new();
        let mut encoder = Encoder::default();
        for begin in (0..count).step_by(AT_ONCE) {
            let end = count.min(begin + AT_ONCE);
            encoder.buffer.clear();
            let mut last = 0;
            let (mut first_sequence, mut last_sequence) = (None, 0);
            for index in begin..end {
                last_sequence = self.next_sequence(1);
                first_sequence.get_or_insert(last_sequence);
                last = encode(index, &mut encoder, last_sequence);
            }
            encoder.ask_confirmation(last);
            self.send(&encoder)?;
            let first_sequence = first_sequence.unwrap_or(last_sequence);
            self.read_verdicts(last_sequence, |sequence, reason| {
                let index = begin + sequence.wrapping_sub(first_sequence) as usize;
                if index < end {
                    refusals.push(Refusal { index, reason });
                }
            })?;
        }
        Ok(refusals)
    }

    /// Reads verdicts until that on the last request.
    fn read_verdicts(
        &mut self,
        last: u32,
        mut refused: impl FnMut(u32, KernelError),
    ) -> Result<(), SocketError> {
        loop {
            let Some(datagram) = self.receive()? else {
                return Err(Malformed("requests were neither confirmed nor refused").into());
            };
            let mut complete = false;
            for reply in Replies::new(datagram) {
                let reply = reply?;
                let Body::Verdict(verdict) = reply.body else {
                    continue;
                };
                complete |= reply.sequence == last;
                if let Err(reason) = verdict {
                    refused(reply.sequence, reason);
                }
            }
            if complete {
                return Ok(());
            }
        }
    }

    /// Asks for one object.
    pub(crate) fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut Encoder, u32),
        mut read: impl FnMut(&Reply<'_>) -> Result<T, Malformed>,
    ) -> Result<T, SocketError> {
        let sequence = self.next_sequence(1);
        let mut request = Encoder::default();
        question(&mut request, sequence);
        self.send(&request)?;
        while let Some(datagram) = self.receive()? {
            for reply in Replies::new(datagram) {
                let reply = reply?;
                if reply.sequence != sequence {
                    continue;
                }
                match &reply.body {
                    Body::Object(_) => return Ok(read(&reply)?),
                    Body::Verdict(Err(error)) => return Err(error.clone().into()),
                    Body::Verdict(Ok(())) | Body::Done => {}
                }
            }
        }
        Err(Malformed("a question has no answer").into())
    }
}
