//! TCP connections are kept for the next question, as long as they are good for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_proto::op::Message;
use tidegate_forward::Settings;

use crate::name_server::{NameServer, Step, address, good_over_tcp};
use crate::{ask_for, found, resolver, settings, until};

fn over_tcp(server: &NameServer) -> Settings {
    Settings {
        force_tcp: true,
        ..settings(&[server.address])
    }
}

#[tokio::test]
async fn one_connection_serves_many_questions() {
    let server = NameServer::tcp(good_over_tcp).await;
    let resolver = resolver(over_tcp(&server));
    for number in 0..10 {
        let answer = ask_for(&resolver, &format!("name{number}.example.")).await;
        assert_eq!(answer, found(&["192.0.2.2"]));
    }
    assert_eq!(server.connections(), 1);
    let counters = &resolver.upstreams()[0].2;
    assert_eq!(counters.connections_opened.get(), 1);
    assert_eq!(counters.connections_reused.get(), 9);
}

#[tokio::test]
async fn a_connection_that_nobody_used_for_long_is_not_used_again() {
    let server = NameServer::tcp(good_over_tcp).await;
    let mut settings = over_tcp(&server);
    settings.expire = Duration::from_millis(50);
    let resolver = resolver(settings);
    for _ in 0..3 {
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, found(&["192.0.2.2"]));
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_no_answer() {
    let closing =
        |query: &Message| Step::ReplyAndClose(address(query, 2).to_vec().expect("a reply"));
    let server = NameServer::tcp(closing).await;
    let resolver = resolver(over_tcp(&server));
    for _ in 0..5 {
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, found(&["192.0.2.2"]));
    }
    assert_eq!(resolver.upstreams()[0].2.unanswered.get(), 0);
}

#[tokio::test]
async fn a_connection_that_breaks_within_a_reply_is_replaced() {
    let times = AtomicUsize::new(0);
    let server = NameServer::tcp(move |query| {
        let reply = address(query, 2).to_vec().expect("a reply");
        match times.fetch_add(1, Ordering::SeqCst) {
            1 => Step::Half(reply),
            _ => Step::Reply(reply),
        }
    })
    .await;
    let resolver = resolver(over_tcp(&server));
    for _ in 0..3 {
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, found(&["192.0.2.2"]));
    }
    assert_eq!(server.connections(), 2);
    assert_eq!(server.times_asked(), 4);
}

#[tokio::test]
async fn questions_at_one_time_have_connections_of_their_own_and_few_are_kept() {
    let server = NameServer::tcp(good_over_tcp).await;
    let mut settings = over_tcp(&server);
    settings.max_idle_connections = 1;
    let resolver = resolver(settings);
    let ask = |name: &'static str| ask_for(&resolver, name);
    let (one, two, three) = tokio::join!(ask("one."), ask("two."), ask("three."));
    for answer in [one, two, three] {
        assert_eq!(answer, found(&["192.0.2.2"]));
    }
    assert!(server.connections() > 1);
    until("all but one are closed", || server.open_connections() == 1).await;
}

#[tokio::test]
async fn connections_are_closed_when_nobody_asks_any_more() {
    let server = NameServer::tcp(good_over_tcp).await;
    let mut settings = over_tcp(&server);
    settings.expire = Duration::from_millis(50);
    let resolver = resolver(settings);
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.2"]));
    until("it is closed", || server.open_connections() == 0).await;
}
