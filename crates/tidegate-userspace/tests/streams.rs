//! Bytes on their way: all of them, in order, each way on its own, and never too many at once.

mod support;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use support::{endpoint_at, gauge, open, set_endpoints, until};
use tidegate_testnet::{Cluster, Node, address};

const FRONTEND: &str = "10.96.0.1:80";

/// A node whose Service `web` leads to a server that does this with each of its connections.
fn with_server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Node {
    let mut node = Node::new(1, open);
    node.cluster.set(Cluster::service("web", 1));
    set_endpoints(&mut node.cluster, &[endpoint_at("10.244.0.11:9300")]);
    node.reconcile();
    node.world.pods[0].with(move || {
        let any: IpAddr = Ipv6Addr::UNSPECIFIED.into();
        let listener = TcpListener::bind((any, 9300)).expect("the port is free");
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
    });
    node
}

fn connect() -> TcpStream {
    let stream = TcpStream::connect(address(FRONTEND)).expect("the Service serves");
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).expect("not zero");
    stream
}

/// Bytes that tell their place.
fn pattern(length: usize) -> Vec<u8> {
    let byte = |place: usize| u8::try_from(place.wrapping_mul(31) / 7 % 251).expect("below 251");
    (0..length).map(byte).collect()
}

#[test]
fn a_client_that_has_said_all_still_hears_the_answer() {
    let node = with_server(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("the client ends");
        stream.write_all(&all).expect("the client listens");
    });
    let answer = node.world.client.with(|| {
        let mut stream = connect();
        stream.write_all(b"all I have to say").expect("it is open");
        stream.shutdown(Shutdown::Write).expect("it is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is open");
        answer
    });
    assert_eq!(answer, "all I have to say");
}

#[test]
fn a_server_that_has_said_all_still_hears_the_client() {
    let (tell, heard) = std::sync::mpsc::channel();
    let node = with_server(move |mut stream| {
        stream.write_all(b"welcome, and that's it").expect("open");
        stream.shutdown(Shutdown::Write).expect("it is open");
        let mut all = String::new();
        stream.read_to_string(&mut all).expect("the client ends");
        tell.send(all).expect("the test waits");
    });
    let greeting = node.world.client.with(|| {
        let mut stream = connect();
        let mut greeting = String::new();
        stream.read_to_string(&mut greeting).expect("it is open");
        stream.write_all(b"thanks").expect("it is open");
        greeting
    });
    assert_eq!(greeting, "welcome, and that's it");
    let heard = heard.recv_timeout(Duration::from_secs(60));
    assert_eq!(heard.expect("the server hears the client"), "thanks");
}

#[test]
fn a_reset_is_passed_on_as_a_reset() {
    let node = with_server(|stream| {
        let mut letter = [0];
        (&stream).read_exact(&mut letter).expect("the client asks");
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("open");
    });
    let kind = node.world.client.with(|| {
        let mut stream = connect();
        stream.write_all(b"?").expect("it is open");
        let read = stream.read(&mut [0; 10]);
        read.expect_err("it was broken off").kind()
    });
    assert_eq!(kind, std::io::ErrorKind::ConnectionReset);
}

#[test]
fn much_arrives_whole_both_ways_at_once_also_when_the_reader_is_slow() {
    const LENGTH: usize = 24 << 20;
    let node = with_server(|stream| {
        let (mut reader, mut writer) = (stream.try_clone().expect("a socket"), stream);
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length) = reader.read(&mut buffer) {
            if length == 0 || writer.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    });
    let sent = pattern(LENGTH);
    let received = node.world.client.with(move || {
        let mut stream = connect();
        let mut writer = stream.try_clone().expect("a socket");
        thread::spawn(move || {
            writer.write_all(&sent).expect("it is open");
            writer.shutdown(Shutdown::Write).expect("it is open");
        });
        let mut received = Vec::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            // A reader that is slow at first, so that everything on the way fills up.
            if received.len() < LENGTH / 8 {
                thread::sleep(Duration::from_millis(5));
            }
            match stream.read(&mut buffer).expect("it is open") {
                0 => break received,
                length => received.extend_from_slice(&buffer[..length]),
            }
        }
    });
    assert!(received == pattern(LENGTH), "{} bytes", received.len());
}

#[test]
fn a_reader_that_stops_stops_its_sender() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let node = with_server(move |mut stream| {
        let block = vec![0; 1 << 16];
        while stream.write_all(&block).is_ok() {
            counter.fetch_add(block.len(), Ordering::Relaxed);
        }
    });
    let stream = node.world.client.with(|| {
        let stream = connect();
        (&stream).write_all(b"go").expect("it is open");
        stream
    });
    // All on the way is full when nothing more has been sent for a while.
    let mut before = 0;
    until("the sender stands still", || {
        thread::sleep(Duration::from_millis(500));
        let now = sent.load(Ordering::Relaxed);
        now > 0 && std::mem::replace(&mut before, now) == now
    });
    let total = sent.load(Ordering::Relaxed);
    assert!(total < 64 << 20, "{total} bytes are on their way to nobody");
    drop(stream);
}

#[test]
#[allow(
    clippy::print_stdout,
    reason = "how many it could be belongs to the result"
)]
fn thousands_of_connections_leave_nothing_behind() {
    let node_holds: Arc<std::sync::Mutex<Vec<TcpStream>>> = Arc::default();
    let held = Arc::clone(&node_holds);
    let mut node = with_server(move |stream| {
        held.lock().expect("nobody panics").push(stream);
    });
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    // Each takes four descriptors in this process: the client's, two of ours, the server's.
    let count = usize::try_from((limit.saturating_sub(1000) / 4).min(10_000)).expect("few");
    println!("{count} connections, as {limit} descriptors allow");
    let descriptors = || {
        std::fs::read_dir("/proc/self/fd")
            .expect("/proc is there")
            .count()
    };
    let one = node.world.client.with(connect);
    until("one connection is served", || {
        node_holds.lock().expect("nobody panics").len() == 1
    });
    drop(one);
    until("it is gone", || {
        node_holds.lock().expect("nobody panics").clear();
        gauge(&mut node, "userspace_open_connections") == 0.0
    });
    let before = descriptors();
    let mut clients = Vec::new();
    // Some at a time, since the server has a short queue.
    while clients.len() < count {
        let some = (count - clients.len()).min(100);
        let connections = move || (0..some).map(|_| connect()).collect::<Vec<_>>();
        clients.extend(node.world.client.with(connections));
        until("all are served", || {
            node_holds.lock().expect("nobody panics").len() == clients.len()
        });
    }
    assert_eq!(
        gauge(&mut node, "userspace_open_connections") as usize,
        count
    );
    assert!(descriptors() >= before + 4 * count);
    drop(clients);
    node_holds.lock().expect("nobody panics").clear();
    until("all descriptors are back", || {
        gauge(&mut node, "userspace_open_connections") == 0.0 && descriptors() <= before
    });
}
