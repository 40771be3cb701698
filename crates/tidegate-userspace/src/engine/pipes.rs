//! Pipes: where bytes wait on their way from one socket to another without being copied.

use rustix::fd::OwnedFd;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

/// How much a pipe is asked to hold. Without the privilege for so much it holds the default.
pub(crate) const PIPE_BYTES: usize = 256 * 1024;

/// How many pipes a thread has at most, which bounds what waits in them. Connections that get none
/// are served by copying.
const MOST_PIPES: usize = 512;

/// How many pipes that nobody uses are kept for the next one.
const KEPT_PIPES: usize = 16;

/// A pipe, empty whenever it is in the pool.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) read: OwnedFd,
    pub(crate) write: OwnedFd,
}

/// The pipes of a thread.
#[derive(Debug, Default)]
pub(crate) struct Pipes {
    idle: Vec<Pipe>,
    lent: usize,
}

impl Pipes {
    /// Lends a pipe, if there can be one more.
    pub(crate) fn lend(&mut self) -> Option<Pipe> {
        if self.lent >= MOST_PIPES {
            return None;
        }
        let pipe = self.idle.pop().or_else(open)?;
        self.lent += 1;
        Some(pipe)
    }

    /// Takes back an empty pipe.
    pub(crate) fn give_back(&mut self, pipe: Pipe) {
        self.lent = self.lent.saturating_sub(1);
        if self.idle.len() < KEPT_PIPES {
            self.idle.push(pipe);
        }
    }

    /// Takes note that a pipe with something in it was closed.
    pub(crate) fn forget(&mut self, pipe: Pipe) {
        drop(pipe);
        self.lent = self.lent.saturating_sub(1);
    }
}

fn open() -> Option<Pipe> {
    let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
    // A smaller pipe works as well, only with more calls.
    let _ = fcntl_setpipe_size(&write, PIPE_BYTES);
    Some(Pipe { read, write })
}
