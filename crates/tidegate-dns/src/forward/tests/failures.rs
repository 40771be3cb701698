use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;

use super::name_server::{NameServer, failing, good, silent};
use super::{ForwardError, ask, forwarder, found, query};

/// An address on which nothing listens: bound once, and let go.
async fn dead() -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("a port");
    socket.local_addr().expect("an address")
}

#[tokio::test]
async fn a_dead_or_silent_server_makes_way_for_the_next() {
    let slow = NameServer::udp(silent).await;
    let server = NameServer::udp(good).await;
    let forwarder = forwarder(vec![dead().await, slow.address, server.address]);
    let reply = ask(&forwarder, &query("example.org."), false).await;
    assert_eq!(reply, found(&["192.0.2.1"]));
}

#[tokio::test]
async fn a_server_that_failed_is_asked_last_for_a_while() {
    let slow = NameServer::udp(silent).await;
    let server = NameServer::udp(good).await;
    let forwarder = forwarder(vec![slow.address, server.address]);
    for name in ["one.example.", "two.example.", "three.example."] {
        let reply = ask(&forwarder, &query(name), false).await;
        assert_eq!(reply, found(&["192.0.2.1"]));
    }
    assert_eq!(slow.times_asked(), 1);
}

#[tokio::test]
async fn a_server_that_can_not_help_is_no_last_word() {
    let failing_one = NameServer::udp(failing).await;
    let server = NameServer::udp(good).await;
    let both = forwarder(vec![failing_one.address, server.address]);
    let reply = ask(&both, &query("example.org."), false).await;
    assert_eq!(reply, found(&["192.0.2.1"]));
    let alone = forwarder(vec![failing_one.address]);
    let reply = ask(&alone, &query("example.org."), false).await;
    assert_eq!(reply.expect("a reply").code, ResponseCode::ServFail);
}

#[tokio::test]
async fn nobody_to_ask_and_nobody_who_answers_are_told_apart() {
    let reply = ask(&forwarder(vec![]), &query("example.org."), false).await;
    assert_eq!(reply, Err(ForwardError::NoUpstream));
    let reply = ask(
        &forwarder(vec![dead().await]),
        &query("example.org."),
        false,
    )
    .await;
    assert_eq!(reply, Err(ForwardError::NobodyAnswered));
}

#[tokio::test]
async fn only_so_many_may_wait_at_one_time() {
    let forwarder = forwarder(vec![]);
    let places: Vec<_> = (0..10).map(|_| forwarder.admit()).collect();
    assert!(places.iter().all(Option::is_some));
    assert!(forwarder.admit().is_none());
    drop(places);
    assert!(forwarder.admit().is_some());
}
