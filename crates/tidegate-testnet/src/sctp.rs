//! SCTP without the kernel's help: not every kernel has its sockets, but every kernel that
//! translates addresses translates its packets.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

const SCTP: i32 = 132;

/// A machine's ear for SCTP packets, whatever their port.
#[derive(Debug)]
pub struct SctpListener {
    socket: Socket,
    is_v4: bool,
}

/// Opens a connection, as far as its first packet goes (RFC 9260, section 3.3.2), from the calling
/// thread's network namespace.
pub fn send_sctp_init(to: SocketAddr) {
    let socket = raw_socket(to.ip());
    let connected = socket.connect(&SocketAddr::new(to.ip(), 0).into());
    connected.expect("there is a route");
    let mut packet = Vec::new();
    packet.extend_from_slice(&4000_u16.to_be_bytes());
    packet.extend_from_slice(&to.port().to_be_bytes());
    // The verification tag, which is zero in an INIT, and room for the checksum.
    packet.extend_from_slice(&[0; 8]);
    // INIT, no flags, 20 bytes; initiate tag, receiver window, streams out and in, first number.
    packet.extend_from_slice(&[1, 0, 0, 20]);
    packet.extend_from_slice(&[0, 0, 0, 7, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
    let sum = crc32c(&packet);
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    socket.send(&packet).expect("it is sent");
}

impl SctpListener {
    /// Listens in the calling thread's network namespace, to packets of one family.
    pub fn open(address: IpAddr) -> Self {
        Self {
            socket: raw_socket(address),
            is_v4: address.is_ipv4(),
        }
    }

    /// Waits for a packet to a port.
    pub fn hears(&self, port: u16, patience: Duration) -> bool {
        let begun = Instant::now();
        let mut buffer = [0; 1500];
        while let Some(left) = patience
            .checked_sub(begun.elapsed())
            .filter(|l| !l.is_zero())
        {
            let set = self.socket.set_read_timeout(Some(left));
            set.expect("not zero");
            let Ok(length) = (&self.socket).read(&mut buffer) else {
                return false;
            };
            let header = if self.is_v4 { 20 } else { 0 };
            let received = buffer.get(header..length).unwrap_or_default();
            if received.get(2..4) == Some(&port.to_be_bytes()) {
                return true;
            }
        }
        false
    }
}

fn raw_socket(address: IpAddr) -> Socket {
    let domain = match address {
        IpAddr::V4(_) => Domain::IPV4,
        IpAddr::V6(_) => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(SCTP)));
    socket.expect("the tests run as root")
}

/// The checksum of SCTP (RFC 9260, appendix A).
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            0 => crc >> 1,
            _ => crc >> 1 ^ POLYNOMIAL,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
