//! A connection that stays.

use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use crate::traffic::{exchange, no_answer, read};
use crate::{Answer, Call};

/// How long an established connection may take to answer: far longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, or a UDP socket with a port of its own, that asks again and again.
#[derive(Debug)]
pub struct Talk {
    stream: TcpStream,
}

impl Talk {
    /// Connects, in the calling thread's network namespace. Over UDP nothing is sent yet.
    ///
    /// # Errors
    /// What became of the attempt instead.
    pub fn open(call: Call) -> Result<Self, Answer> {
        let connected = call.patience(PATIENCE).connect();
        let stream = connected.map_err(|error| no_answer(&error))?;
        Ok(Self { stream })
    }

    /// Asks once more: who answers, and which source address it sees.
    ///
    /// # Errors
    /// What became of the connection instead.
    pub fn ask(&mut self) -> Result<(String, IpAddr), Answer> {
        self.ask_within(PATIENCE)
    }

    /// The same with another patience.
    ///
    /// # Errors
    /// What became of the connection instead.
    pub fn ask_within(&mut self, patience: Duration) -> Result<(String, IpAddr), Answer> {
        let mut buffer = [0; 100];
        let set = self.stream.set_read_timeout(Some(patience));
        set.expect("not zero");
        match exchange(&mut self.stream, &mut buffer) {
            Ok(0) => Err(Answer::Refused),
            Ok(length) => match read(&buffer[..length]) {
                Answer::From(name, source) => Ok((name, source)),
                other => Err(other),
            },
            Err(error) => {
                // A packet that is refused on this very machine fails the call, and leaves word
                // of it for the next one too.
                let _ = self.stream.take_error();
                Err(no_answer(&error))
            }
        }
    }
}
