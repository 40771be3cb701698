//! One direction of a TCP connection: bytes that are read from one socket and written to another.
//!
//! What is read is written at once through a buffer that all connections of a thread share. A
//! connection has memory of its own only while its receiver is slower than its sender, and then
//! nothing more is read until that has left: so a slow receiver slows its sender down, and takes no
//! more than one buffer. Where much is on its way, the bytes go through a pipe by `splice(2)` and
//! are never copied.

use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};

use super::end::End;
use super::pipes::{Pipe, Pipes};

/// How much is read in one go. Who fills this has more to say, and gets a pipe.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;

/// How often one direction reads before others have their turn.
const TURNS: usize = 16;

/// What a thread's connections share.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) buffer: Box<[u8]>,
    pub(crate) pipes: Pipes,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Direction {
    held: Held,
    /// Whether the sender has sent everything.
    has_ended: bool,
    /// Whether the receiver knows that, or doesn't listen any more: nothing is left to do.
    pub(crate) is_done: bool,
    /// Whether what the sender still sends interests nobody.
    is_discarding: bool,
    /// Whether the sender sends much.
    in_volume: bool,
    /// How much it sent since it last paused.
    in_one_go: usize,
}

/// Bytes that were read and could not be written yet.
#[derive(Debug, Default)]
enum Held {
    #[default]
    Nothing,
    Copied {
        bytes: Box<[u8]>,
        written: usize,
    },
    Piped {
        pipe: Pipe,
        bytes: usize,
    },
}

/// How far a direction came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for one of the sockets.
    Waits,
    /// It has had its turns and could go on.
    GoesOn,
    /// The sender broke the connection off.
    Broken,
}

impl Tools {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            pipes: Pipes::default(),
        }
    }
}

impl Direction {
    /// Moves what can be moved. The last direction of a connection needn't say that it is done:
    /// closing the socket says it.
    pub(crate) fn pump(
        &mut self,
        from: &mut End,
        to: &mut End,
        is_last: bool,
        tools: &mut Tools,
    ) -> Progress {
        for _ in 0..TURNS {
            if self.is_done {
                return Progress::Waits;
            }
            if !self.write_held(to, tools) {
                // A pipe may give less than all of it without the socket being full.
                match to.writable {
                    true => continue,
                    false => return Progress::Waits,
                }
            }
            if self.has_ended {
                self.is_done = true;
                if !is_last {
                    // The receiver may be gone, and then needn't be told.
                    let _ = shutdown(&to.socket, Shutdown::Write);
                }
                return Progress::Waits;
            }
            if !from.readable {
                self.rest(tools);
                return Progress::Waits;
            }
            if self.read(from, to, tools).is_err() {
                return Progress::Broken;
            }
        }
        Progress::GoesOn
    }

    /// Whether the sender has sent everything.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Gives back what it holds, when the connection ends.
    pub(crate) fn release(&mut self, tools: &mut Tools) {
        match std::mem::take(&mut self.held) {
            Held::Piped { pipe, bytes: 0 } => tools.pipes.give_back(pipe),
            Held::Piped { pipe, .. } => tools.pipes.forget(pipe),
            Held::Copied { .. } | Held::Nothing => {}
        }
    }

    /// Writes what is held. Whether nothing is held any more.
    fn write_held(&mut self, to: &mut End, tools: &mut Tools) -> bool {
        let is_empty = match &mut self.held {
            Held::Nothing | Held::Piped { bytes: 0, .. } => return true,
            _ if !to.writable => return false,
            Held::Copied { bytes, written } => {
                let sent = to.write(&bytes[*written..]);
                sent.map(|sent| {
                    *written += sent;
                    *written == bytes.len()
                })
            }
            Held::Piped { pipe, bytes } => {
                let sent = to.write_from_pipe(pipe, *bytes);
                sent.map(|sent| {
                    *bytes -= sent;
                    *bytes == 0
                })
            }
        };
        match is_empty {
            Ok(false) => return false,
            Ok(true) => {
                if let Held::Copied { .. } = self.held {
                    self.held = Held::Nothing;
                }
            }
            Err(_) => self.discard(tools),
        }
        true
    }

    fn read(&mut self, from: &mut End, to: &mut End, tools: &mut Tools) -> Result<(), Errno> {
        if self.in_volume && !self.is_discarding && self.take_pipe(tools) {
            return self.read_to_pipe(from);
        }
        let Some(length) = from.read(&mut tools.buffer)? else {
            return Ok(());
        };
        self.has_ended = length == 0;
        self.in_volume |= length == tools.buffer.len();
        self.in_one_go += length;
        if self.is_discarding || self.has_ended {
            return Ok(());
        }
        let mut written = 0;
        if to.writable {
            match to.write(&tools.buffer[..length]) {
                Ok(sent) => written = sent,
                Err(_) => {
                    self.discard(tools);
                    return Ok(());
                }
            }
        }
        if written < length {
            self.held = Held::Copied {
                bytes: tools.buffer[written..length].into(),
                written: 0,
            };
        }
        Ok(())
    }

    fn read_to_pipe(&mut self, from: &mut End) -> Result<(), Errno> {
        if let Held::Piped { pipe, bytes } = &mut self.held
            && let Some(length) = from.read_to_pipe(pipe)?
        {
            self.has_ended = length == 0;
            *bytes += length;
            self.in_one_go += length;
        }
        Ok(())
    }

    /// Sees to it that there is an empty pipe.
    fn take_pipe(&mut self, tools: &mut Tools) -> bool {
        if let Held::Nothing = self.held
            && let Some(pipe) = tools.pipes.lend()
        {
            self.held = Held::Piped { pipe, bytes: 0 };
        }
        matches!(self.held, Held::Piped { .. })
    }

    /// The sender pauses. If it had little to say, so it may have next time.
    fn rest(&mut self, tools: &mut Tools) {
        self.in_volume &= self.in_one_go >= BUFFER_BYTES;
        self.in_one_go = 0;
        if let Held::Piped { bytes: 0, .. } = self.held {
            self.release(tools);
        }
    }

    /// The receiver takes no more. The sender isn't cut off for it: there may be an answer on its
    /// way that it has to read first, and a reset would destroy that.
    fn discard(&mut self, tools: &mut Tools) {
        self.release(tools);
        self.is_discarding = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    /// An end, and who is at it.
    fn end() -> (End, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
        for socket in [&ours, &theirs] {
            socket.set_nonblocking(true).expect("it is open");
        }
        (End::accepted(ours.into()), theirs)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn all_bytes_arrive_in_order_and_few_are_on_their_way(
            steps in proptest::collection::vec((1..400_000_usize, 0..300_000_usize), 1..40)
        ) {
            let ((mut from, mut sender), (mut to, mut receiver)) = (end(), end());
            let mut tools = Tools::new();
            let mut direction = Direction::default();
            let (mut sent, mut received) = (Vec::new(), Vec::new());
            let mut pump = |from: &mut End, to: &mut End| {
                // What events would tell.
                (from.readable, to.writable) = (true, true);
                while direction.pump(from, to, false, &mut tools) == Progress::GoesOn {}
                direction.is_done
            };
            for (write, read) in steps {
                let bytes: Vec<u8> = (sent.len()..sent.len() + write).map(|n| (n % 251) as u8).collect();
                let written = sender.write(&bytes).unwrap_or(0);
                sent.extend_from_slice(&bytes[..written]);
                pump(&mut from, &mut to);
                let mut buffer = vec![0; read];
                let length = receiver.read(&mut buffer).unwrap_or(0);
                received.extend_from_slice(&buffer[..length]);
                prop_assert!(sent.len() - received.len() < 4 << 20);
            }
            drop(sender);
            from.hung_up = true;
            let mut buffer = vec![0; 1 << 16];
            let mut is_done = false;
            loop {
                match receiver.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => received.extend_from_slice(&buffer[..length]),
                    Err(_) => {
                        prop_assert!(!is_done, "the receiver must hear of the end");
                        is_done = pump(&mut from, &mut to);
                    }
                }
            }
            prop_assert!(sent == received);
        }
    }
}
