//! Servers that are dead, silent, slow, broken or hostile.

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use tidegate_forward::ResolveError;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::name_server::{
    NameServer, Step, Udp, address, dead, failing, good, silent, silent_tcp, with_code,
};
use crate::{ask, ask_for, found, impatient, question, resolver, settings, until, without_answer};

#[tokio::test]
async fn a_dead_or_silent_server_makes_way_for_the_next() {
    let slow = NameServer::udp(silent).await;
    let server = NameServer::udp(good).await;
    let resolver = resolver(impatient(&[dead().await, slow.address, server.address]));
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.1"]));
    let upstreams = resolver.upstreams();
    let unanswered: Vec<_> = upstreams
        .iter()
        .map(|(_, _, counters)| counters.unanswered.get())
        .collect();
    assert_eq!(unanswered, [1, 1, 0]);
    let (code, times) = upstreams[2].2.by_code().next().expect("NOERROR");
    assert_eq!((code, times.count()), (0, 1));
}

#[tokio::test]
async fn a_server_that_can_not_help_is_no_last_word() {
    let failing_one = NameServer::udp(failing).await;
    let refusing_one = NameServer::udp(|query| vec![with_code(query, ResponseCode::Refused)]).await;
    let server = NameServer::udp(good).await;
    let upstreams = [failing_one.address, refusing_one.address, server.address];
    let answer = ask_for(&resolver(settings(&upstreams)), "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.1"]));
    let without_the_good = resolver(settings(&upstreams[..2]));
    let answer = ask_for(&without_the_good, "example.org.").await;
    assert_eq!(
        answer,
        without_answer(ResponseCode::Refused),
        "the last word"
    );
    let mut settings = settings(&upstreams);
    settings.failover.clear();
    let answer = ask_for(&resolver(settings), "example.org.").await;
    assert_eq!(answer, without_answer(ResponseCode::ServFail));
}

#[tokio::test]
async fn nobody_to_ask_and_nobody_who_answers_are_told_apart() {
    let answer = ask_for(&resolver(settings(&[])), "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NoUpstream));
    let answer = ask_for(&resolver(settings(&[dead().await])), "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NobodyAnswered));
}

#[tokio::test]
async fn all_servers_together_have_a_deadline() {
    let slow = NameServer::udp(silent).await;
    let mut settings = settings(&[slow.address]);
    settings.deadline = Duration::from_millis(300);
    let answer = ask_for(&resolver(settings), "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NobodyAnswered));
    // The patience with one server is longer than that.
    until("it was asked", || slow.times_asked() == 1).await;
}

#[tokio::test]
async fn garbage_makes_way_for_the_next_server() {
    // The right header and question, and nonsense behind them.
    let behaviour: Udp = Box::new(|query| {
        let mut packet = address(query, 66).to_vec().expect("a reply");
        let length = packet.len();
        packet[length - 10..].fill(0xff);
        let short = packet[..5].to_vec();
        vec![Vec::new(), short, vec![0xff; 3000], packet]
    });
    let broken = NameServer::start(behaviour, silent_tcp(), None).await;
    let server = NameServer::udp(good).await;
    let resolver = resolver(settings(&[broken.address, server.address]));
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.1"]));
}

#[tokio::test]
async fn lies_over_tcp_make_way_for_the_next_server() {
    let other_id = NameServer::tcp(|query| {
        let mut lie = address(query, 66);
        lie.metadata.id = lie.metadata.id.wrapping_add(1);
        Step::Reply(lie.to_vec().expect("a reply"))
    });
    let half = NameServer::tcp(|query| Step::Half(address(query, 66).to_vec().expect("a reply")));
    let empty = NameServer::tcp(|_| Step::Reply(Vec::new()));
    let closing = NameServer::tcp(|_| Step::Half(Vec::new()));
    let good = NameServer::tcp(crate::name_server::good_over_tcp);
    let (other_id, half, empty, closing, good) = tokio::join!(other_id, half, empty, closing, good);
    let servers = [&other_id, &half, &empty, &closing, &good];
    let mut settings = settings(&servers.map(|server| server.address));
    settings.force_tcp = true;
    let answer = ask_for(&resolver(settings), "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.2"]));
    assert!(servers.iter().all(|server| server.times_asked() >= 1));
}

#[tokio::test]
async fn only_so_many_may_wait_at_one_time() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let mut settings = settings(&[server.local_addr().expect("an address")]);
    settings.max_concurrent = 10;
    let resolver = resolver(settings);
    let mut waiting = JoinSet::new();
    for number in 0..10 {
        let resolver = Arc::clone(&resolver);
        // Those who share the asking of an equal question need places too.
        let name = format!("name{}.example.", number / 2);
        waiting.spawn(async move { ask_for(&resolver, &name).await });
    }
    let mut queries = Vec::new();
    let mut buffer = [0; 512];
    for _ in 0..5 {
        let (length, client) = server.recv_from(&mut buffer).await.expect("a query");
        let query = Message::from_vec(&buffer[..length]).expect("a query");
        queries.push((query, client));
    }
    until("all wait", || resolver.counters().shared.get() == 5).await;
    for number in 0..1000 {
        let name = format!("other{number}.example.");
        let answer = ask_for(&resolver, &name).await;
        assert_eq!(answer, Err(ResolveError::TooMany));
        resolver.refresh(question(&name));
    }
    assert_eq!(resolver.counters().concurrency_rejects.get(), 2000);
    for (query, client) in queries {
        let reply = address(&query, 1).to_vec().expect("a reply");
        let sent = server.send_to(&reply, client).await;
        sent.expect("sent");
    }
    while let Some(answer) = waiting.join_next().await {
        assert_eq!(answer.expect("no panic"), found(&["192.0.2.1"]));
    }
    let later = resolver.resolve(question("later.example."));
    let serving = server.recv_from(&mut buffer);
    tokio::select! {
        answer = later => panic!("there is no room: {answer:?}"),
        heard = serving => assert!(heard.is_ok()),
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let server = NameServer::udp(good).await;
    let mut settings = settings(&[server.address]);
    settings.max_concurrent = 1;
    let resolver = resolver(settings);
    let question = question("example.org.");
    for _ in 0..10 {
        let asking = ask(&resolver, &question);
        // Polled once, and given up.
        let gone = tokio::time::timeout(Duration::ZERO, asking).await;
        drop(gone);
    }
    let mut answer = ask(&resolver, &question).await;
    let mut tries = 0;
    while answer == Err(ResolveError::TooMany) {
        tries += 1;
        assert!(tries < 1000, "the place was never given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
        answer = ask(&resolver, &question).await;
    }
    assert_eq!(answer, found(&["192.0.2.1"]));
}
