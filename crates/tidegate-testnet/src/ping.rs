//! Echo requests, since not every machine has the program `ping`.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

/// Type of an echo request and of its reply in ICMP (RFC 792), and in ICMPv6 (RFC 4443).
const V4: (u8, u8) = (8, 0);
const V6: (u8, u8) = (128, 129);
/// What makes our requests ours: identifier and sequence number.
const MARK: [u8; 4] = [0x74, 0x67, 0, 1];

/// Whether an address answers an echo request, sent in the calling thread's network namespace.
pub fn ping(to: IpAddr, patience: Duration) -> bool {
    let (domain, protocol, (request, reply)) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, V4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, V6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol)).expect("the tests run as root");
    let connected = socket.connect(&SocketAddr::new(to, 0).into());
    connected.expect("there is a route");
    let mut packet = [&[request, 0, 0, 0][..], &MARK].concat();
    // The kernel fills in ICMPv6's checksum, but not that of ICMP.
    if to.is_ipv4() {
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    if socket.send(&packet).is_err() {
        return false;
    }
    let begun = Instant::now();
    let mut buffer = [0; 256];
    while let Some(left) = patience
        .checked_sub(begun.elapsed())
        .filter(|l| !l.is_zero())
    {
        socket.set_read_timeout(Some(left)).expect("not zero");
        let Ok(length) = (&socket).read(&mut buffer) else {
            return false;
        };
        let header = if to.is_ipv4() { 20 } else { 0 };
        let received = buffer.get(header..length).unwrap_or_default();
        if received.first() == Some(&reply) && received.get(4..8) == Some(&MARK) {
            return true;
        }
    }
    false
}

/// The checksum of RFC 1071 over an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    let sum: u32 = words
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from(folded & 0xffff).unwrap_or_default()
}
