//! Backends that don't do what they should, and clients that don't notice.

mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::{endpoint_at, gauge, open, open_with, set_endpoints, until};
use tidegate_dataplane::Dataplane;
use tidegate_testnet::{Call, Cluster, Node, Protocol, address, count_answers};
use tidegate_userspace::UserspaceOptions;

/// A node with the Service `web`, whose endpoints are these.
fn with_endpoints(open: fn() -> Box<dyn Dataplane>, endpoints: &[&str]) -> Node {
    let mut node = Node::new(1, open);
    node.cluster.set(Cluster::service("web", 1));
    let endpoints: Vec<_> = endpoints.iter().map(|text| endpoint_at(text)).collect();
    set_endpoints(&mut node.cluster, &endpoints);
    node.reconcile();
    node
}

/// The mode as a node has it, with its times.
fn open_impatient() -> Box<dyn Dataplane> {
    open_with(UserspaceOptions::default())
}

#[test]
fn a_backend_that_refuses_is_tried_past_and_no_client_notices() {
    // The node's own address towards pods refuses, since nobody listens there.
    let mut node = with_endpoints(open, &["10.244.0.1:9376", "10.244.0.11:9376"]);
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let counts = node.world.client.with(move || {
            let call = Call::new(protocol, address("10.96.0.1:80"));
            count_answers(&call, 20).expect("every call is answered")
        });
        assert_eq!(counts, BTreeMap::from([("pod-0".to_owned(), 20)]));
    }
    assert!(gauge(&mut node, "userspace_dial_failures_total") >= 2.0);
}

#[test]
fn a_backend_that_does_not_answer_is_tried_past_after_its_time() {
    let mut node = with_endpoints(open_impatient, &["10.244.0.99:9376", "10.244.0.11:9376"]);
    // Packets to it disappear.
    node.world.node.run("ip route add 10.244.0.99/32 dev pod0");
    node.world
        .node
        .run("ip neigh add 10.244.0.99 lladdr 02:00:00:00:00:99 dev pod0");
    let start = Instant::now();
    for _ in 0..2 {
        let answer = node.client_asks(Protocol::Tcp, "10.96.0.1:80");
        assert_eq!(answer.name(), "pod-0");
    }
    assert!(start.elapsed() >= Duration::from_millis(250));
    assert!(gauge(&mut node, "userspace_dial_failures_total") >= 1.0);
}

#[test]
fn a_client_is_reset_when_nobody_accepts() {
    let mut node = with_endpoints(open, &["10.244.0.1:9999", "10.244.0.11:9999"]);
    let error = node.world.client.with(|| {
        let stream = TcpStream::connect(address("10.96.0.1:80"));
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(error) => return error.kind(),
        };
        let patience = Duration::from_secs(30);
        stream.set_read_timeout(Some(patience)).expect("not zero");
        let read = stream.read(&mut [0; 10]);
        read.expect_err("nobody is there").kind()
    });
    assert_eq!(error, std::io::ErrorKind::ConnectionReset);
    assert!(gauge(&mut node, "userspace_unserved_connections_total") >= 1.0);
    until("nothing is open", || {
        gauge(&mut node, "userspace_open_connections") == 0.0
    });
}
