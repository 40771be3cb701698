//! Waiting for one child and for the node at the same time.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::channel::Channel;
use super::spec::Exit;

/// Which of the two happened first.
pub(super) enum Outcome {
    /// The child ended. It is left uncollected, so that its number is not given to another process
    /// while the node may still use it.
    ChildEnded(Exit),
    /// The node closed the socket or died.
    NodeGone,
}

/// Notices the end of children. Has to exist before the first child does, or its end can be missed.
pub(super) struct Children {
    pub(super) signals: SignalFd,
}

impl Children {
    pub(super) fn watch() -> io::Result<Self> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.thread_block()?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { signals })
    }

    /// Waits until `child` ends or `node` closes.
    pub(super) fn wait(&self, child: Pid, node: &Channel) -> io::Result<Outcome> {
        loop {
            if let Some(exit) = ended(child)? {
                return Ok(Outcome::ChildEnded(exit));
            }
            let mut watched = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(node.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut watched, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            // The node never sends a second message: readable means closed.
            if watched[1].any().unwrap_or(false) {
                return Ok(Outcome::NodeGone);
            }
            while self.signals.read_signal()?.is_some() {}
        }
    }
}

/// How the child ended, if it did. It is left uncollected.
pub(super) fn ended(child: Pid) -> io::Result<Option<Exit>> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    Ok(match waitid(Id::Pid(child), flags)? {
        WaitStatus::Exited(_, code) => Some(Exit::Code(code)),
        WaitStatus::Signaled(_, signal, _) => Some(Exit::Signal(signal as i32)),
        _ => None,
    })
}
