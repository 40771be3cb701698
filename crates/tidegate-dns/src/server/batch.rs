//! Datagrams, many with one call to the kernel.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::libc::{in_pktinfo, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg,
    sendmmsg,
};

/// How many datagrams are taken with one call at most.
const DATAGRAMS: usize = 32;

/// How many are taken at least, where little comes: each place for one costs its preparation.
const FEW: usize = 2;

/// The longest query that is read. A real one is far below; what is cut off here isn't
/// well-formed any more, and is refused as such.
const LONGEST_QUERY: usize = 4096;

/// Buffers for as many queries as are taken at one time, and for their replies.
pub(super) struct Batch {
    queries: Box<[[u8; LONGEST_QUERY]]>,
    /// How long each query is, and whom it is from.
    received: Vec<Received>,
    replies: Vec<Reply>,
    /// How many replies there are.
    ready: usize,
    /// How many datagrams are taken with the next call.
    places: usize,
    incoming: MultiHeaders<SockaddrStorage>,
    outgoing: MultiHeaders<SockaddrStorage>,
}

/// Whom a datagram is from, and which of our addresses it came to, where there are many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    storage: SockaddrStorage,
    /// The client.
    pub(super) client: SocketAddr,
    local: Option<LocalAddress>,
}

/// One of our addresses, and the interface that a packet came in by.
#[derive(Clone, Copy, Debug)]
enum LocalAddress {
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl PartialEq for LocalAddress {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::V4(one), Self::V4(other)) => {
                one.ipi_addr.s_addr == other.ipi_addr.s_addr && one.ipi_ifindex == other.ipi_ifindex
            }
            (Self::V6(one), Self::V6(other)) => {
                one.ipi6_addr.s6_addr == other.ipi6_addr.s6_addr
                    && one.ipi6_ifindex == other.ipi6_ifindex
            }
            _ => false,
        }
    }
}

struct Received {
    length: usize,
    peer: Peer,
}

struct Reply {
    octets: Vec<u8>,
    peer: Option<Peer>,
}

impl Batch {
    /// Buffers for a socket at this address. Where it has every address of the machine, each reply
    /// leaves from the address that its query came to.
    pub(super) fn new(address: SocketAddr) -> Self {
        let headers = || {
            let space = address
                .ip()
                .is_unspecified()
                .then(|| room(address.is_ipv6()));
            MultiHeaders::preallocate(DATAGRAMS, space)
        };
        let reply = || Reply {
            octets: Vec::with_capacity(LONGEST_QUERY),
            peer: None,
        };
        Self {
            queries: vec![[0; LONGEST_QUERY]; DATAGRAMS].into(),
            received: Vec::with_capacity(DATAGRAMS),
            replies: (0..DATAGRAMS).map(|_| reply()).collect(),
            ready: 0,
            places: FEW,
            incoming: headers(),
            outgoing: headers(),
        }
    }

    /// Waits for a datagram, and takes those that are there by then, up to twice as many as the last
    /// time; or takes what is there, without waiting.
    pub(super) fn receive(&mut self, socket: &UdpSocket, waits: bool) -> io::Result<usize> {
        self.received.clear();
        let mut buffers = self.queries.each_slice();
        let taken = recvmmsg(
            socket.as_raw_fd(),
            &mut self.incoming,
            buffers.iter_mut().take(self.places),
            match waits {
                true => MsgFlags::MSG_WAITFORONE,
                false => MsgFlags::MSG_DONTWAIT,
            },
            None,
        )?;
        for message in taken {
            // A datagram without a sender can't be answered.
            let Some(peer) = message.address.and_then(|storage| peer(&storage)) else {
                continue;
            };
            let local = message
                .cmsgs()
                .ok()
                .and_then(|mut all| all.find_map(local_address));
            let length = message.bytes;
            let peer = Peer { local, ..peer };
            self.received.push(Received { length, peer });
        }
        self.places = (2 * self.received.len()).clamp(FEW, DATAGRAMS);
        Ok(self.received.len())
    }

    /// Answers each query that was taken. A reply without octets isn't sent.
    pub(super) fn answer(&mut self, mut answer: impl FnMut(&[u8], &Peer, &mut Vec<u8>)) {
        self.ready = 0;
        for (received, query) in self.received.iter().zip(&self.queries) {
            let Some(reply) = self.replies.get_mut(self.ready) else {
                return;
            };
            reply.octets.clear();
            let query = query.get(..received.length).unwrap_or_default();
            answer(query, &received.peer, &mut reply.octets);
            if !reply.octets.is_empty() {
                reply.peer = Some(received.peer);
                self.ready += 1;
            }
        }
    }

    /// Sends the replies, and says how many couldn't be.
    pub(super) fn send(&mut self, socket: &UdpSocket) -> usize {
        let mut failures = 0;
        let mut rest = self.replies.get(..self.ready).unwrap_or_default();
        while let Some(first) = rest.first() {
            let local = first.peer.and_then(|peer| peer.local);
            let same = |reply: &&Reply| reply.peer.and_then(|peer| peer.local) == local;
            let together = rest.iter().take_while(same).count();
            let (now, later) = rest.split_at(together);
            let headers = &mut self.outgoing;
            let sent = match together {
                1 => send_together::<1>(socket, headers, now, local),
                _ => send_together::<DATAGRAMS>(socket, headers, now, local),
            };
            match sent {
                // The kernel stops at the first that it can't send, and tells of the failure only
                // if that is the first of all.
                Ok(sent) if sent > 0 => rest = rest.get(sent..).unwrap_or(later),
                _ => {
                    failures += 1;
                    rest = rest.get(1..).unwrap_or_default();
                }
            }
        }
        failures
    }
}

/// Sends one datagram that was answered later than its batch.
pub(super) fn send_one(socket: &UdpSocket, octets: &[u8], peer: &Peer) -> io::Result<()> {
    let reply = [Reply {
        octets: octets.to_vec(),
        peer: Some(*peer),
    }];
    let space = peer.local.map(|_| room(peer.client.is_ipv6()));
    let mut headers = MultiHeaders::preallocate(1, space);
    match send_together::<1>(socket, &mut headers, &reply, peer.local)? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(()),
    }
}

/// Room for one of our addresses in the message of a datagram, no more and no less: the kernel takes
/// what is left over for another message.
fn room(is_v6: bool) -> Vec<u8> {
    match is_v6 {
        true => cmsg_space!(in6_pktinfo),
        false => cmsg_space!(in_pktinfo),
    }
}

/// Sends up to `N` replies from one address of ours.
fn send_together<const N: usize>(
    socket: &UdpSocket,
    headers: &mut MultiHeaders<SockaddrStorage>,
    replies: &[Reply],
    local: Option<LocalAddress>,
) -> io::Result<usize> {
    let slices: [[IoSlice<'_>; 1]; N] = std::array::from_fn(|at| {
        let octets = replies.get(at).map(|reply| &reply.octets[..]);
        [IoSlice::new(octets.unwrap_or_default())]
    });
    let peers: [Option<SockaddrStorage>; N] = std::array::from_fn(|at| {
        let peer = replies.get(at).and_then(|reply| reply.peer);
        peer.map(|peer| peer.storage)
    });
    let count = replies.len().min(N);
    let (v4, v6);
    let from: &[ControlMessage<'_>] = match &local {
        None => &[],
        Some(LocalAddress::V4(info)) => {
            v4 = [ControlMessage::Ipv4PacketInfo(info)];
            &v4
        }
        Some(LocalAddress::V6(info)) => {
            v6 = [ControlMessage::Ipv6PacketInfo(info)];
            &v6
        }
    };
    let slices = slices.get(..count).unwrap_or_default();
    let peers = peers.get(..count).unwrap_or_default();
    let flags = MsgFlags::MSG_DONTWAIT;
    let sent = sendmmsg(socket.as_raw_fd(), headers, slices, peers, from, flags)?;
    Ok(sent.count())
}

/// A slice of buffers for each query.
trait EachSlice {
    fn each_slice(&mut self) -> [[IoSliceMut<'_>; 1]; DATAGRAMS];
}

impl EachSlice for Box<[[u8; LONGEST_QUERY]]> {
    fn each_slice(&mut self) -> [[IoSliceMut<'_>; 1]; DATAGRAMS] {
        let mut buffers = self.iter_mut();
        std::array::from_fn(|_| {
            let buffer = buffers.next().map(|buffer| &mut buffer[..]);
            [IoSliceMut::new(buffer.unwrap_or_default())]
        })
    }
}

fn peer(storage: &SockaddrStorage) -> Option<Peer> {
    let client = match (storage.as_sockaddr_in(), storage.as_sockaddr_in6()) {
        (Some(v4), _) => SocketAddr::V4((*v4).into()),
        (_, Some(v6)) => SocketAddr::V6((*v6).into()),
        _ => return None,
    };
    Some(Peer {
        storage: *storage,
        client,
        local: None,
    })
}

fn local_address(message: ControlMessageOwned) -> Option<LocalAddress> {
    match message {
        ControlMessageOwned::Ipv4PacketInfo(mut info) => {
            // What the packet was sent to may be another address than the one to answer from.
            info.ipi_spec_dst = info.ipi_addr;
            Some(LocalAddress::V4(info))
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(LocalAddress::V6(info)),
        _ => None,
    }
}
