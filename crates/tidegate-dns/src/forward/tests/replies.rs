use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use super::name_server::{self, NameServer, address, good, silent, truncated};
use super::{ask, forwarder, found, query};

#[tokio::test]
async fn a_reply_comes_back_under_the_clients_identifier() {
    let server = NameServer::udp(good).await;
    let forwarder = forwarder(vec![server.address]);
    let asked = query("Example.ORG.");
    assert_eq!(ask(&forwarder, &asked, false).await, found(&["192.0.2.1"]));
}

#[tokio::test]
async fn forged_replies_are_passed_over_and_the_true_one_awaited() {
    fn forging(query: &Message) -> Vec<Message> {
        let mut other_id = address(query, 66);
        other_id.metadata.id = other_id.metadata.id.wrapping_add(1);
        let mut other_name = address(query, 66);
        let name = Name::from_ascii("evil.example.").expect("a name");
        other_name.queries = vec![Query::query(name, RecordType::A)];
        let mut other_type = address(query, 66);
        other_type.queries[0].query_type = RecordType::AAAA;
        let mut no_question = address(query, 66);
        no_question.queries.clear();
        let no_reply = query.clone();
        vec![
            other_id,
            other_name,
            other_type,
            no_question,
            no_reply,
            address(query, 1),
        ]
    }
    let server = NameServer::udp(forging).await;
    let forwarder = forwarder(vec![server.address]);
    let reply = ask(&forwarder, &query("example.org."), false).await;
    assert_eq!(reply, found(&["192.0.2.1"]));
}

#[tokio::test]
async fn a_reply_that_is_cut_off_is_fetched_over_tcp_if_wanted_whole() {
    fn two(query: &Message) -> Vec<Message> {
        let mut reply = address(query, 1);
        reply.add_answer(address(query, 2).answers.remove(0));
        vec![reply]
    }
    let server = NameServer::start(truncated, two).await;
    let forwarder = forwarder(vec![server.address]);
    let whole = ask(&forwarder, &query("example.org."), true).await;
    assert_eq!(whole, found(&["192.0.2.1", "192.0.2.2"]));
    let short = ask(&forwarder, &query("example.org."), false).await;
    assert!(short.expect("a reply").truncated);
}

#[tokio::test]
async fn a_reply_stays_cut_off_if_tcp_does_not_work() {
    let server = NameServer::start(truncated, silent).await;
    let forwarder = forwarder(vec![server.address]);
    let reply = ask(&forwarder, &query("example.org."), true).await;
    assert!(reply.expect("a reply").truncated);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_an_answer_like_any_other() {
    fn nobody(query: &Message) -> Vec<Message> {
        let mut reply = name_server::reply(query);
        reply.metadata.response_code = ResponseCode::NXDomain;
        vec![reply]
    }
    let first = NameServer::udp(nobody).await;
    let second = NameServer::udp(good).await;
    let forwarder = forwarder(vec![first.address, second.address]);
    let reply = ask(&forwarder, &query("example.org."), false).await;
    assert_eq!(reply.expect("a reply").code, ResponseCode::NXDomain);
    assert_eq!(second.times_asked(), 0);
}

#[tokio::test]
async fn equal_queries_at_one_time_are_asked_once() {
    let server = NameServer::udp(good).await;
    let forwarder = forwarder(vec![server.address]);
    let (one, mut other) = (query("example.org."), query("example.org."));
    other.metadata.id = one.metadata.id.wrapping_add(1);
    let (first, second) =
        tokio::join!(ask(&forwarder, &one, false), ask(&forwarder, &other, false));
    assert_eq!(first, found(&["192.0.2.1"]));
    assert_eq!(second, found(&["192.0.2.1"]));
    assert_eq!(server.times_asked(), 1);
    let later = ask(&forwarder, &one, false).await;
    assert_eq!(later, found(&["192.0.2.1"]));
    assert_eq!(server.times_asked(), 2, "nothing is kept");
}
