//! Single requests, and changes of many elements.

use super::constants::LINE;
use super::error::explain;
use super::{Entry, Ipset, IpsetError, encode};
use crate::attribute::{Attributes, Encoder, Malformed};
use crate::exchange::Refusal;
use crate::kernel_error::KernelError;
use crate::message::{Body, Replies};
use crate::socket::SocketError;

/// What is done with elements.
#[derive(Clone, Copy, Debug)]
pub(super) enum ElementChange {
    Add,
    Delete,
}

impl ElementChange {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Delete => "del",
        }
    }
}

/// How many elements one request has; an attribute can't exceed 65,535 bytes, and an element is at
/// most 96 bytes long.
const ELEMENTS_AT_ONCE: usize = 512;
/// What comes in an error before the attributes of the refused request: the error number, and the
/// request's headers.
const ERROR_HEADER: usize = 4 + 16 + super::HEADER;

impl Ipset {
    /// Does a single request.
    pub(super) fn request(
        &mut self,
        command: u16,
        request_flags: u16,
        fill: impl Fn(&mut Encoder),
    ) -> Result<Result<(), KernelError>, SocketError> {
        let protocol = self.protocol;
        let refusals = self.socket.request_all(1, |_, out, sequence| {
            encode::message(protocol, command, request_flags, out, sequence, &fill)
        })?;
        let refusal = refusals.into_iter().next();
        Ok(refusal.map_or(Ok(()), |refusal| Err(refusal.reason)))
    }

    /// Adds or deletes elements and tells which of them the kernel refused.
    pub(super) fn change(
        &mut self,
        change: ElementChange,
        name: &str,
        entries: &[Entry],
    ) -> Result<Vec<Refusal>, IpsetError> {
        let mut refusals = Vec::new();
        let mut done = 0;
        while done < entries.len() {
            let end = entries.len().min(done + ELEMENTS_AT_ONCE);
            match self.change_some(change, name, &entries[done..end])? {
                Ok(()) => done = end,
                // The kernel did those before, and left out those behind.
                Err((reason, Some(line))) if line <= end - done => {
                    let index = done + line - 1;
                    let reason = explain(reason);
                    refusals.push(Refusal { index, reason });
                    done += line;
                }
                Err((reason, _)) => {
                    let request = format!("{} {name} {}", change.word(), entries[done]);
                    return Err(IpsetError::refused(request, reason));
                }
            }
        }
        Ok(refusals)
    }

    /// Sends one request with some elements. A refusal says which of them is to blame, counted from
    /// one, if it is one of them.
    fn change_some(
        &mut self,
        change: ElementChange,
        name: &str,
        entries: &[Entry],
    ) -> Result<Result<(), (KernelError, Option<usize>)>, SocketError> {
        let sequence = self.socket.next_sequence(1);
        let mut out = Encoder::default();
        let start = encode::change(self.protocol, change, name, entries, &mut out, sequence);
        out.ask_confirmation(start);
        self.socket.send(&out)?;
        while let Some(datagram) = self.socket.receive()? {
            for reply in Replies::new(datagram) {
                let reply = reply?;
                let Body::Verdict(verdict) = reply.body else {
                    continue;
                };
                if reply.sequence == sequence {
                    let request = reply.payload.get(ERROR_HEADER..).unwrap_or_default();
                    return match verdict {
                        Ok(()) => Ok(Ok(())),
                        Err(reason) => Ok(Err((reason, refused_line(request)?))),
                    };
                }
            }
        }
        Err(Malformed("a request was neither confirmed nor refused").into())
    }
}

/// The number of the refused element, which the kernel writes into the request that it repeats.
fn refused_line(request: &[u8]) -> Result<Option<usize>, Malformed> {
    match Attributes::new(request).find(LINE)? {
        Some(line) => Ok(usize::try_from(line.be32()?).ok().filter(|line| *line > 0)),
        None => Ok(None),
    }
}
