//! What is sent to servers, and what of that which comes back is believed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tidegate_forward::ResolveError;

use crate::name_server::{
    NameServer, Step, Udp, address, good, good_over_tcp, messages, reply, silent_tcp, truncated,
    with_code,
};
use crate::{ask, ask_for, found, impatient, question, resolver, settings, until, without_answer};

/// A server that remembers what it was asked.
async fn listening() -> (NameServer, Arc<Mutex<Vec<Message>>>) {
    let heard = Arc::<Mutex<Vec<Message>>>::default();
    let ears = Arc::clone(&heard);
    let behaviour: Udp = Box::new(move |query| {
        ears.lock().expect("no panic").push(query.clone());
        vec![address(query, 1).to_vec().expect("a reply")]
    });
    let server = NameServer::start(behaviour, silent_tcp(), None).await;
    (server, heard)
}

#[tokio::test]
async fn queries_say_what_their_clients_want() {
    let (server, heard) = listening().await;
    let resolver = resolver(settings(&[server.address]));
    for flags in 0..4 {
        let mut question = question("Example.ORG.");
        question.dnssec_ok = flags & 1 != 0;
        question.checking_disabled = flags & 2 != 0;
        assert_eq!(ask(&resolver, &question).await, found(&["192.0.2.1"]));
    }
    let heard = heard.lock().expect("no panic");
    for (flags, query) in heard.iter().enumerate() {
        let edns = query.edns.as_ref().expect("EDNS");
        assert_eq!(edns.flags().dnssec_ok, flags & 1 != 0);
        assert_eq!(edns.max_payload(), 1232);
        assert_eq!(query.metadata.checking_disabled, flags & 2 != 0);
        assert!(query.metadata.recursion_desired);
        assert!(query.metadata.authentic_data);
        assert_eq!(query.queries[0].name.to_string(), "example.org.");
    }
    let ids: HashSet<_> = heard.iter().map(|query| query.metadata.id).collect();
    assert!(ids.len() > 1, "identifiers can't be guessed");
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
        let mut two_questions = address(query, 66);
        two_questions.add_query(query.queries[0].clone());
        let mut other_operation = address(query, 66);
        other_operation.metadata.op_code = OpCode::Status;
        let no_reply = query.clone();
        vec![
            other_operation,
            other_id,
            other_name,
            other_type,
            no_question,
            two_questions,
            no_reply,
            address(query, 1),
        ]
    }
    let server = NameServer::udp(forging).await;
    let resolver = resolver(settings(&[server.address]));
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.1"]));
}

#[tokio::test]
async fn datagrams_from_elsewhere_are_not_heard() {
    let bind = || tokio::net::UdpSocket::bind("127.0.0.1:0");
    let (server, forger) = (bind().await.expect("a port"), bind().await.expect("a port"));
    let upstream = server.local_addr().expect("an address");
    // The forger answers first, and with everything right but its own address.
    let serving = tokio::spawn(async move {
        let mut buffer = [0; 512];
        let (length, client) = server.recv_from(&mut buffer).await.expect("a query");
        let query = Message::from_vec(&buffer[..length]).expect("a query");
        for (socket, last) in [(&forger, 66), (&server, 1)] {
            let reply = address(&query, last).to_vec().expect("a reply");
            let sent = socket.send_to(&reply, client).await;
            sent.expect("sent");
        }
    });
    let resolver = resolver(settings(&[upstream]));
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.1"]));
    serving.await.expect("no panic");
}

#[tokio::test]
async fn a_reply_that_is_wanted_whole_comes_over_tcp() {
    let server = NameServer::start(messages(truncated), Arc::new(good_over_tcp), None).await;
    let mut settings = settings(&[server.address]);
    let mut question = question("example.org.");
    let plain = resolver(settings.clone());
    let short = ask(&plain, &question).await.expect("a reply");
    assert!(short.truncated);
    question.whole = true;
    assert_eq!(ask(&plain, &question).await, found(&["192.0.2.2"]));
    assert_eq!(
        server.times_asked(),
        2,
        "whole replies need no try over UDP"
    );
    question.whole = false;
    settings.prefer_udp = true;
    let prefers_udp = resolver(settings.clone());
    assert_eq!(ask(&prefers_udp, &question).await, found(&["192.0.2.2"]));
    assert_eq!(server.times_asked(), 4);
    settings.force_tcp = true;
    let forces_tcp = resolver(settings);
    assert_eq!(ask(&forces_tcp, &question).await, found(&["192.0.2.2"]));
    assert_eq!(server.times_asked(), 5);
}

#[tokio::test]
async fn a_short_reply_is_enough_where_udp_is_preferred() {
    let server = NameServer::start(messages(good), Arc::new(good_over_tcp), None).await;
    let mut settings = settings(&[server.address]);
    settings.prefer_udp = true;
    let resolver = resolver(settings);
    let mut question = question("example.org.");
    question.whole = true;
    assert_eq!(ask(&resolver, &question).await, found(&["192.0.2.1"]));
    assert_eq!(server.times_asked_over_tcp(), 0);
}

#[tokio::test]
async fn what_udp_brings_is_better_than_nothing() {
    let server = NameServer::udp(truncated).await;
    let mut settings = impatient(&[server.address]);
    let mut question = question("example.org.");
    question.whole = true;
    for prefer_udp in [false, true] {
        settings.prefer_udp = prefer_udp;
        let answer = ask(&resolver(settings.clone()), &question).await;
        assert!(answer.expect("a reply").truncated);
    }
    until("both asked over TCP", || server.times_asked_over_tcp() == 2).await;
}

#[tokio::test]
async fn a_server_that_knows_no_edns_is_asked_without_it() {
    fn old(query: &Message) -> Vec<Message> {
        if query.edns.is_none() {
            return vec![address(query, 1)];
        }
        // As of old, without the question that could not be read.
        let mut reply = with_code(query, ResponseCode::FormErr);
        reply.queries.clear();
        vec![reply]
    }
    let server = NameServer::udp(old).await;
    let resolver = resolver(settings(&[server.address]));
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.1"]));
    assert_eq!(server.times_asked(), 2);
}

#[tokio::test]
async fn flags_and_sections_come_through() {
    fn full(query: &Message) -> Vec<Message> {
        let mut reply = address(query, 1);
        reply.metadata.authoritative = true;
        reply.metadata.authentic_data = true;
        reply.add_authority(address(query, 2).answers.remove(0));
        reply.add_additional(address(query, 3).answers.remove(0));
        reply.edns = query.edns.clone();
        vec![reply]
    }
    let server = NameServer::udp(full).await;
    let resolver = resolver(settings(&[server.address]));
    let stored = resolver.resolve(question("example.org.")).await;
    let stored = stored.expect("an answer");
    assert!(stored.authoritative() && stored.authentic() && !stored.truncated());
    let counts = (stored.answers(), stored.authorities(), stored.additionals());
    assert_eq!(counts, (1, 1, 1));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_an_answer_like_any_other() {
    let nobody = |query: &Message| vec![with_code(query, ResponseCode::NXDomain)];
    let first = NameServer::udp(nobody).await;
    let second = NameServer::udp(good).await;
    let mut settings = settings(&[first.address, second.address]);
    settings.next = vec![ResponseCode::NXDomain];
    let resolver = resolver(settings);
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, without_answer(ResponseCode::NXDomain));
    assert_eq!(second.times_asked(), 0);
    assert!(
        resolver.passes_on(ResponseCode::NXDomain),
        "to other resolvers"
    );
    assert!(!resolver.passes_on(ResponseCode::NoError));
}

#[tokio::test]
async fn equal_questions_at_one_time_are_asked_once() {
    let server = NameServer::udp(good).await;
    let resolver = resolver(settings(&[server.address]));
    let one = question("example.org.");
    let other = question("EXAMPLE.org.");
    let (first, second) = tokio::join!(ask(&resolver, &one), ask(&resolver, &other));
    assert_eq!(first, found(&["192.0.2.1"]));
    assert_eq!(second, found(&["192.0.2.1"]));
    assert_eq!(server.times_asked(), 1);
    assert_eq!(resolver.counters().shared.get(), 1);
    assert_eq!(ask(&resolver, &one).await, found(&["192.0.2.1"]));
    assert_eq!(server.times_asked(), 2, "without a cache nothing is kept");
}

#[tokio::test]
async fn questions_that_can_not_be_passed_on_reach_nobody() {
    let server = NameServer::udp(good).await;
    let resolver = resolver(settings(&[server.address]));
    for kind in [251, 252] {
        let mut transfer = question("example.org.");
        transfer.kind = kind;
        let answer = ask(&resolver, &transfer).await;
        assert_eq!(answer, Err(ResolveError::Transfer));
    }
    for name in [&b""[..], b"\x07example", b"\x07Example\0", b"\xc0\x0c"] {
        let mut nonsense = question("example.org.");
        nonsense.name = name.into();
        let answer = ask(&resolver, &nonsense).await;
        assert_eq!(answer, Err(ResolveError::InvalidName), "{name:?}");
    }
    assert_eq!(server.times_asked(), 0);
}

#[tokio::test]
async fn the_longest_reply_comes_through() {
    fn long(query: &Message) -> Step {
        let mut packet = reply(query).to_vec().expect("a reply");
        let room = usize::from(u16::MAX) - packet.len() - 64;
        let count = u16::try_from(room / 16).expect("few enough");
        packet[6..8].copy_from_slice(&count.to_be_bytes());
        for number in 0..count {
            packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 0]);
            packet.extend(number.to_be_bytes());
        }
        Step::Reply(packet)
    }
    let server = NameServer::tcp(long).await;
    let mut settings = settings(&[server.address]);
    settings.force_tcp = true;
    let answer = ask_for(&resolver(settings), "example.org.").await;
    assert!(answer.expect("an answer").answers.len() > 4000);
}
