//! Servers that tell who they are and whom they see.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::Protocol;
use crate::ending::Ending;

/// How often a server that waits looks whether its machine is gone.
const LOOK: Duration = Duration::from_secs(1);

/// Starts a server on all addresses of this machine, which ends with the machine. On TCP it answers
/// each line of a connection.
pub fn serve(protocol: Protocol, port: u16, name: &str) {
    let (name, ending) = (name.to_owned(), Ending::of_this_machine());
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    match protocol {
        Protocol::Tcp => {
            let listener = bind(Type::STREAM, any);
            listener.listen(1024).expect("it was bound");
            thread::spawn(move || accept(&listener.into(), &name, &ending));
        }
        Protocol::Udp => {
            let socket: UdpSocket = bind(Type::DGRAM, any).into();
            thread::spawn(move || answer_packets(&socket, &name, &ending));
        }
    }
}

fn bind(kind: Type, address: SocketAddr) -> Socket {
    let bound = Socket::new(Domain::IPV6, kind, None).and_then(|socket| {
        socket.set_reuse_address(kind == Type::STREAM)?;
        socket.set_read_timeout(Some(LOOK))?;
        socket.bind(&address.into())?;
        Ok(socket)
    });
    bound.expect("the port is free")
}

fn accept(listener: &TcpListener, name: &str, ending: &Ending) {
    while !ending.has_come() {
        if let Ok((stream, peer)) = listener.accept() {
            let (name, ending) = (name.to_owned(), ending.clone());
            thread::spawn(move || answer_lines(stream, peer, &name, &ending));
        }
    }
}

fn answer_lines(mut stream: TcpStream, peer: SocketAddr, name: &str, ending: &Ending) {
    if stream.set_read_timeout(Some(LOOK)).is_err() {
        return;
    }
    let answer = format!("{name} {}", peer.ip().to_canonical());
    let mut buffer = [0; 100];
    while !ending.has_come() {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) if stream.write_all(answer.as_bytes()).is_err() => return,
            Ok(_) => {}
            Err(error) if is_pause(&error) => {}
            Err(_) => return,
        }
    }
}

fn answer_packets(socket: &UdpSocket, name: &str, ending: &Ending) {
    let mut buffer = [0; 100];
    while !ending.has_come() {
        if let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            let answer = format!("{name} {}", peer.ip().to_canonical());
            // The client may have given up: that is its business.
            let _ = socket.send_to(answer.as_bytes(), peer);
        }
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
