//! One line of JSON per message over a Unix socket, for processes without a runtime.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A connection to the process that started this one, or to one that it started.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: BufReader<UnixStream>,
}

impl Channel {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Takes the socket at standard input away and leaves `/dev/null` there, so that no program
    /// that is executed later can read from it.
    pub(crate) fn take_from_stdin() -> io::Result<Self> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        nix::unistd::dup2_stdin(std::fs::File::open("/dev/null")?)?;
        Ok(Self::new(UnixStream::from(socket)))
    }

    /// Leaves the socket at standard input for a program that is executed next and that shall say
    /// itself, by closing it, that it is up.
    pub(crate) fn leave_at_stdin(&self) -> io::Result<()> {
        Ok(nix::unistd::dup2_stdin(self)?)
    }

    pub(crate) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(&line(message)?)
    }

    /// Whether a message, or the beginning of one, has been read from the socket already.
    pub(crate) fn has_read_ahead(&self) -> bool {
        !self.stream.buffer().is_empty()
    }

    /// The next message, `None` when the other side is gone.
    pub(crate) fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.get_ref().as_fd()
    }
}

/// A message as it travels.
pub(crate) fn line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}
