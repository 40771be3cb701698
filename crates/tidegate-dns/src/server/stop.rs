//! Telling threads that wait in the kernel to end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Said once, heard by every thread that looks.
#[derive(Debug)]
pub(super) struct Stop {
    is_said: AtomicBool,
    bell: EventFd,
}

impl Stop {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            is_said: AtomicBool::new(false),
            bell: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
        })
    }

    pub(super) fn say(&self) {
        self.is_said.store(true, Ordering::Release);
        if let Err(error) = self.bell.write(1) {
            tracing::debug!(%error, "a thread is not woken, and ends with its next query");
        }
    }

    pub(super) fn is_said(&self) -> bool {
        self.is_said.load(Ordering::Acquire)
    }

    /// What becomes readable when it is said, and stays so.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Has the kernel give new queries to the other sockets of an address, while those that came here
/// already can still be received: a socket that is connected to somebody gets nobody else's
/// packets.
pub(super) fn take_no_more(socket: &UdpSocket, address: SocketAddr) -> io::Result<()> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    socket.connect(SocketAddr::new(ip, address.port()))
}
