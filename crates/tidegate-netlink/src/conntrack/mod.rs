//! The kernel's table of tracked connections.
//!
//! A proxy needs it for one thing: packets of a connection that the kernel knows already never
//! meet the rules again, so an entry that leads to a backend that is gone has to be deleted.

mod constants;
mod flow;

use nix::errno::Errno;

use crate::attribute::Encoder;
use crate::kernel_error::KernelError;
use crate::message::{Body, Replies, Request, flags};
use crate::socket::{NetlinkSocket, SocketError};
use constants::{DELETE, GET, SUBSYSTEM};
pub use flow::{Endpoints, Flow};

/// A connection to the connection tracking of the network namespace that it was opened in.
#[derive(Debug)]
pub struct Conntrack {
    socket: NetlinkSocket,
}

/// How many deletions are sent at once; their answers must fit the socket's buffer.
const AT_ONCE: usize = 256;

impl Conntrack {
    /// Opens a connection to the calling thread's network namespace.
    ///
    /// # Errors
    /// The kernel has no netfilter netlink.
    pub fn open() -> Result<Self, SocketError> {
        let socket = NetlinkSocket::netfilter()?;
        Ok(Self { socket })
    }

    /// The tracked connections of both families that `wanted` picks. Connections come and go while
    /// they are listed: one may be gone when this returns, and a new one may be missing.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn flows(&mut self, wanted: impl Fn(&Flow) -> bool) -> Result<Vec<Flow>, SocketError> {
        let request = Request {
            kind: SUBSYSTEM << 8 | GET,
            flags: flags::DUMP,
            family: 0,
            resource: 0,
        };
        self.socket.dump(
            |out, sequence| {
                out.message(request, sequence, |_| {});
            },
            |reply, found| {
                if let Body::Object(attributes) = &reply.body {
                    found.extend(flow::parse(attributes)?.filter(|flow| wanted(flow)));
                }
                Ok(())
            },
        )
    }

    /// Deletes connections and says how many were still there. Their next packet is a new
    /// connection's first.
    ///
    /// # Errors
    /// The kernel refuses; some may be deleted by then.
    pub fn delete(&mut self, flows: &[Flow]) -> Result<usize, SocketError> {
        let mut deleted = 0;
        for some in flows.chunks(AT_ONCE) {
            let mut out = Encoder::default();
            for flow in some {
                let request = Request {
                    kind: SUBSYSTEM << 8 | DELETE,
                    flags: flags::ACK,
                    family: flow.family_number(),
                    resource: 0,
                };
                let sequence = self.socket.next_sequence(1);
                out.message(request, sequence, |out| flow.identify(out));
            }
            self.socket.send(&out)?;
            deleted += self.count_confirmations()?;
        }
        Ok(deleted)
    }

    fn count_confirmations(&mut self) -> Result<usize, SocketError> {
        let mut confirmed = 0;
        let mut failed: Option<KernelError> = None;
        while let Some(datagram) = self.socket.receive()? {
            for reply in Replies::new(datagram) {
                match reply?.body {
                    Body::Verdict(Ok(())) => confirmed += 1,
                    // The connection ended by itself in the meantime.
                    Body::Verdict(Err(error)) if error.errno == Errno::ENOENT => {}
                    Body::Verdict(Err(error)) => failed = Some(error),
                    Body::Object(_) | Body::Done => {}
                }
            }
        }
        failed.map_or(Ok(confirmed), |error| Err(error.into()))
    }
}
