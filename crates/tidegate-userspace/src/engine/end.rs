//! One end of a TCP connection.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send, sockopt};
use rustix::pipe::{SpliceFlags, splice};

use super::pipes::{PIPE_BYTES, Pipe};

/// One end of a connection: a socket, and what is known about it.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) socket: OwnedFd,
    /// Whether there may be something to read.
    pub(crate) readable: bool,
    /// Whether there may be room to write.
    pub(crate) writable: bool,
    /// Whether the peer has said that it sends no more, so that reading must go on to the end.
    pub(crate) hung_up: bool,
    /// Whether small writes leave at once.
    is_prompt: bool,
    has_written: bool,
}

impl End {
    /// An accepted socket. Its first bytes may be there already, and it inherited its listener's
    /// promptness.
    pub(crate) fn accepted(socket: OwnedFd) -> Self {
        Self {
            socket,
            readable: true,
            writable: true,
            hung_up: false,
            is_prompt: true,
            has_written: false,
        }
    }

    /// A socket that is being connected. Events tell when it is ready for what.
    pub(crate) fn dialled(socket: OwnedFd) -> Self {
        Self {
            readable: false,
            writable: false,
            is_prompt: false,
            ..Self::accepted(socket)
        }
    }

    /// Writes; how much went out. A socket that took less than all has no room for now.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.be_prompt();
        match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => {
                self.writable = sent == bytes.len();
                Ok(sent)
            }
            Err(error) => wait_or_fail(error, &mut self.writable).map(|()| 0),
        }
    }

    /// Writes what is in a pipe; how much went out.
    pub(crate) fn write_from_pipe(&mut self, pipe: &Pipe, bytes: usize) -> Result<usize, Errno> {
        self.be_prompt();
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        match splice(&pipe.read, None, &self.socket, None, bytes, flags) {
            Ok(sent) => Ok(sent),
            Err(error) => wait_or_fail(error, &mut self.writable).map(|()| 0),
        }
    }

    /// Reads into a buffer; how much came in, or nothing if there is nothing for now. Zero is the
    /// sender's end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Errno> {
        match recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
            Ok((length, _)) => {
                // A sender that has less than we asked for has no more for now, and we are told when
                // it has; but not of its end, if that was told already.
                if length > 0 && length < buffer.len() && !self.hung_up {
                    self.readable = false;
                }
                Ok(Some(length))
            }
            Err(error) => wait_or_fail(error, &mut self.readable).map(|()| None),
        }
    }

    /// Reads into a pipe, likewise.
    pub(crate) fn read_to_pipe(&mut self, pipe: &Pipe) -> Result<Option<usize>, Errno> {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        match splice(&self.socket, None, &pipe.write, None, PIPE_BYTES, flags) {
            Ok(length) => Ok(Some(length)),
            Err(error) => wait_or_fail(error, &mut self.readable).map(|()| None),
        }
    }

    /// A first small write leaves at once anyway; the next would wait until the first is confirmed.
    fn be_prompt(&mut self) {
        if self.has_written && !self.is_prompt {
            // Without it bytes are late, not lost.
            let _ = sockopt::set_tcp_nodelay(&self.socket, true);
            self.is_prompt = true;
        }
        self.has_written = true;
    }
}

/// A socket that isn't ready isn't broken.
fn wait_or_fail(error: Errno, ready: &mut bool) -> Result<(), Errno> {
    match error {
        Errno::AGAIN => {
            *ready = false;
            Ok(())
        }
        Errno::INTR => Ok(()),
        error => Err(error),
    }
}
