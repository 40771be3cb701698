//! A command at a terminal of its own, and the bytes between that terminal and the node's pipes.
//!
//! The terminal is one of the container's, so that the command finds it under its name. The node
//! is outside, where that name means nothing; this process is in between.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::channel::Channel;
use super::enter::{kill_group, pid_of};
use super::spec::{EnterSpec, Exit, Report, StartFailure, TerminalSize};
use super::supervise::{Children, ended};
use super::{MARKER, role};

/// How much is moved at a time.
const PIECE: usize = 16 * 1024;
/// How long output may still come, in milliseconds, after the command ended: the kernel hands it
/// over a moment later, and a child of the command may hold the terminal.
const LAST_OUTPUT: u16 = 200;

/// Runs the command to its end; `None` when the node went away first.
pub(super) fn run(
    spec: &EnterSpec,
    stdin: Option<File>,
    node: &mut Channel,
    children: &Children,
) -> Result<Option<Exit>, StartFailure> {
    let failed = StartFailure::preparing;
    let (master, child) =
        start(spec).map_err(|error| failed("opening a terminal for the command", &error))?;
    let pid = pid_of(&child)?;
    let mut relay = Relay {
        master: File::from(master),
        input: stdin,
        pending: Vec::new(),
    };
    let started = Report::Started { pid: pid.as_raw() };
    let ended = match node.send(&started) {
        Ok(()) => relay.until_the_end(pid, node, children),
        Err(_) => Ok(None),
    };
    if let Ok(None) = ended {
        kill_group(pid);
    }
    ended.map_err(|error| failed("passing on a terminal's bytes", &error))
}

fn start(spec: &EnterSpec) -> io::Result<(OwnedFd, Child)> {
    let own = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(own)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    rustix::io::ioctl_fionbio(&master, true)?;
    let terminal = ioctl_tiocgptpeer(&master, own)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .args([MARKER, role::SESSION])
        .args(&spec.command)
        .env_clear()
        .env("TERM", "xterm")
        .envs(spec.environment.iter().cloned())
        .stdin(Stdio::from(terminal.try_clone()?))
        .stdout(Stdio::from(terminal.try_clone()?))
        .stderr(Stdio::from(terminal));
    Ok((master, command.spawn()?))
}

/// What goes back and forth.
struct Relay {
    /// The terminal's other side. It never blocks: a command that reads nothing must not keep its
    /// own output from being taken.
    master: File,
    input: Option<File>,
    /// Input that the terminal has not taken yet.
    pending: Vec<u8>,
}

impl Relay {
    /// Works until the command has ended, or, with `None`, the node has gone.
    fn until_the_end(
        &mut self,
        command: Pid,
        node: &mut Channel,
        children: &Children,
    ) -> io::Result<Option<Exit>> {
        loop {
            if let Some(exit) = ended(command)? {
                self.last_output()?;
                return Ok(Some(exit));
            }
            let ready = self.wait(node, children)?;
            if ready.node {
                match resize(&self.master, node) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return Ok(None),
                }
            }
            if ready.output {
                self.pass_output()?;
            }
            if ready.input {
                self.read_input();
            }
            self.write_pending();
            while children.signals.read_signal()?.is_some() {}
        }
    }

    fn wait(&self, node: &Channel, children: &Children) -> io::Result<Ready> {
        let mut for_master = PollFlags::POLLIN;
        for_master.set(PollFlags::POLLOUT, !self.pending.is_empty());
        let mut watched = vec![
            PollFd::new(children.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(node.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.master.as_fd(), for_master),
        ];
        // More is read when the terminal has taken what was read before.
        if let Some(input) = self.input.as_ref().filter(|_| self.pending.is_empty()) {
            watched.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |index: usize| {
            let polled: Option<&PollFd<'_>> = watched.get(index);
            polled.and_then(PollFd::any).unwrap_or(false)
        };
        Ok(Ready {
            node: is_ready(1),
            output: is_ready(2),
            input: is_ready(3),
        })
    }

    /// Passes one piece of output on; answers whether there was one. Without a process that has
    /// the terminal open, reading fails, which is its end.
    fn pass_output(&mut self) -> io::Result<bool> {
        let mut buffer = [0; PIECE];
        let length = match self.master.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(_) => 0,
        };
        if length == 0 {
            return Ok(false);
        }
        let mut out = io::stdout().lock();
        out.write_all(&buffer[..length])?;
        out.flush()?;
        Ok(true)
    }

    fn last_output(&mut self) -> io::Result<()> {
        loop {
            let mut watched = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
            let count = poll(&mut watched, PollTimeout::from(LAST_OUTPUT));
            if !matches!(count, Ok(1..)) || !self.pass_output()? {
                return Ok(());
            }
        }
    }

    fn read_input(&mut self) {
        let mut buffer = [0; PIECE];
        let read = self.input.as_mut().map(|input| input.read(&mut buffer));
        match read {
            Some(Ok(length @ 1..)) => self.pending.extend_from_slice(&buffer[..length]),
            // The user has nothing more to say; a terminal knows no end of its input.
            _ => self.input = None,
        }
    }

    fn write_pending(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        match self.master.write(&self.pending) {
            Ok(length) => drop(self.pending.drain(..length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.pending.clear(),
        }
    }
}

/// What can be done without waiting.
struct Ready {
    node: bool,
    output: bool,
    input: bool,
}

/// Takes the sizes that the node sent; false when it is gone.
fn resize(master: &File, node: &mut Channel) -> io::Result<bool> {
    loop {
        let Some(size) = node.receive::<TerminalSize>()? else {
            return Ok(false);
        };
        let size = Winsize {
            ws_row: size.height,
            ws_col: size.width,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(master, size)?;
        if !node.has_read_ahead() {
            return Ok(true);
        }
    }
}
