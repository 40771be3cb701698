//! The least that any server does: each question comes back as its own answer.

use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::Context;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

/// How many datagrams are taken with one call to the kernel.
const DATAGRAMS: usize = 32;

/// As long as a question may be.
const LENGTH: usize = 512;

/// Where a message says that it is an answer, and how.
const FLAGS: usize = 2;
const IS_ANSWER: u8 = 0x80;

/// Sends back what comes to a port of 127.0.0.1, for ever.
pub(crate) fn serve(port: u16) -> anyhow::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).context("the echo's port")?;
    let descriptor = socket.as_raw_fd();
    let mut questions = [[0; LENGTH]; DATAGRAMS];
    let mut incoming = MultiHeaders::<SockaddrStorage>::preallocate(DATAGRAMS, None);
    let mut outgoing = MultiHeaders::<SockaddrStorage>::preallocate(DATAGRAMS, None);
    loop {
        let (lengths, clients) = receive(descriptor, &mut incoming, &mut questions)?;
        for question in &mut questions {
            question[FLAGS] |= IS_ANSWER;
        }
        let answers: Vec<[IoSlice<'_>; 1]> = questions
            .iter()
            .zip(&lengths)
            .map(|(question, length)| [IoSlice::new(&question[..*length])])
            .collect();
        // Who doesn't take its answer loses it.
        let _sent = sendmmsg(
            descriptor,
            &mut outgoing,
            &answers,
            clients,
            [],
            MsgFlags::empty(),
        );
    }
}

/// How long the questions are that have come, and whom they are from.
fn receive(
    socket: i32,
    headers: &mut MultiHeaders<SockaddrStorage>,
    questions: &mut [[u8; LENGTH]; DATAGRAMS],
) -> nix::Result<(Vec<usize>, Vec<Option<SockaddrStorage>>)> {
    let each = questions.iter_mut();
    let mut buffers: Vec<[IoSliceMut<'_>; 1]> =
        each.map(|question| [IoSliceMut::new(question)]).collect();
    let flags = MsgFlags::MSG_WAITFORONE;
    let received = recvmmsg(socket, headers, buffers.iter_mut(), flags, None)?;
    let received = received.map(|message| (message.bytes, message.address));
    Ok(received.unzip())
}
