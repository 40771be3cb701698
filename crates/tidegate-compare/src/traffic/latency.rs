//! One client that opens one connection after another and times each.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use socket2::SockRef;

use super::{REQUEST, SMALL_ANSWER, request};

/// How long a call may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the calls of a series took, in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// From the call of `connect` until it returned.
    pub(crate) connect: Vec<f64>,
    /// From the call of `connect` until the answer to the first request had come: what a user
    /// waits for, and what can be compared with a proxy that accepts before it dials.
    pub(crate) answer: Vec<f64>,
}

/// Calls an address so many times, from the calling thread's machine.
pub(crate) fn call(to: SocketAddr, times: usize) -> anyhow::Result<Calls> {
    let mut calls = Calls::default();
    for _ in 0..times {
        let (connect, answer) = call_once(to).with_context(|| format!("calling {to}"))?;
        calls.connect.push(connect.as_secs_f64() * 1e6);
        calls.answer.push(answer.as_secs_f64() * 1e6);
    }
    Ok(calls)
}

/// Calls an address until it answers.
pub(crate) fn wait_for_answer(to: SocketAddr, patience: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        match call_once(to) {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > patience => {
                bail!(
                    "{to} doesn't answer within {} s: {error}",
                    patience.as_secs()
                )
            }
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn call_once(to: SocketAddr) -> std::io::Result<(Duration, Duration)> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    let connected = begun.elapsed();
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request(SMALL_ANSWER))?;
    let mut answer = [0; SMALL_ANSWER as usize];
    stream.read_exact(&mut answer)?;
    let answered = begun.elapsed();
    // A reset frees the port at once: ten thousands of connections need no more ports than there
    // are.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Ok((connected, answered))
}

const _: () = assert!(REQUEST >= 4, "a request carries the length of its answer");
