//! Servers that fail are checked, left alone while they are down, and asked again when they answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use tidegate_forward::{ResolveError, Resolver, Settings};
use tokio::runtime::Handle;

use crate::name_server::{NameServer, Udp, address, dead, good, silent, silent_tcp};
use crate::{ask_for, found, impatient, resolver, until};

/// A server that can be switched on.
async fn switched() -> (NameServer, Arc<AtomicBool>) {
    let switch = Arc::<AtomicBool>::default();
    let is_on = Arc::clone(&switch);
    let behaviour: Udp = Box::new(move |query: &Message| {
        let reply = address(query, 9).to_vec().expect("a reply");
        match is_on.load(Ordering::SeqCst) {
            true => vec![reply],
            false => Vec::new(),
        }
    });
    let server = NameServer::start(behaviour, silent_tcp(), None).await;
    (server, switch)
}

fn often_checked(mut settings: Settings) -> Settings {
    settings.health_check.interval = Duration::from_millis(10);
    settings
}

fn failed_checks(resolver: &Resolver) -> u64 {
    resolver.upstreams()[0].2.health_check_failures.get()
}

#[tokio::test]
async fn a_server_that_is_down_is_left_alone_until_it_answers_again() {
    let (server, switch) = switched().await;
    let other = NameServer::udp(good).await;
    let resolver = resolver(often_checked(impatient(&[server.address, other.address])));
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.1"]));
    until("it is down", || failed_checks(&resolver) >= 2).await;
    let unanswered = || resolver.upstreams()[0].2.unanswered.get();
    let before = unanswered();
    for _ in 0..3 {
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, found(&["192.0.2.1"]));
    }
    assert_eq!(unanswered(), before);
    assert_eq!(resolver.counters().all_upstreams_down.get(), 0);
    switch.store(true, Ordering::SeqCst);
    let mut tries = 0;
    while ask_for(&resolver, "example.org.").await != found(&["192.0.2.9"]) {
        tries += 1;
        assert!(tries < 1000, "it was never asked again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let checks = failed_checks(&resolver);
    let asked = server.times_asked();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(failed_checks(&resolver), checks);
    assert_eq!(
        server.times_asked(),
        asked,
        "a healthy server is not checked"
    );
}

#[tokio::test]
async fn with_all_down_one_is_asked_in_spite_of_that_unless_unwanted() {
    let (server, switch) = switched().await;
    for fail_fast in [false, true] {
        let mut settings = often_checked(impatient(&[server.address]));
        settings.fail_fast = fail_fast;
        // So that it stays down when it answers.
        settings.health_check.interval = Duration::from_secs(1000);
        settings.max_fails = 1;
        switch.store(false, Ordering::SeqCst);
        let resolver = resolver(settings);
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, Err(ResolveError::NobodyAnswered));
        until("it is down", || failed_checks(&resolver) >= 1).await;
        switch.store(true, Ordering::SeqCst);
        let answer = ask_for(&resolver, "example.org.").await;
        match fail_fast {
            true => assert_eq!(answer, Err(ResolveError::AllDown)),
            false => assert_eq!(answer, found(&["192.0.2.9"])),
        }
        assert!(resolver.counters().all_upstreams_down.get() >= 1);
    }
}

#[tokio::test]
async fn without_a_limit_no_server_is_checked_or_down() {
    let mut settings = often_checked(impatient(&[dead().await]));
    settings.max_fails = 0;
    let resolver = resolver(settings);
    for _ in 0..3 {
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, Err(ResolveError::NobodyAnswered));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(failed_checks(&resolver), 0);
    assert_eq!(resolver.counters().all_upstreams_down.get(), 0);
}

#[tokio::test]
async fn a_check_asks_what_the_settings_say() {
    let heard = Arc::<std::sync::Mutex<Vec<Message>>>::default();
    let ears = Arc::clone(&heard);
    let behaviour: Udp = Box::new(move |query| {
        ears.lock().expect("no panic").push(query.clone());
        Vec::new()
    });
    let server = NameServer::start(behaviour, silent_tcp(), None).await;
    let mut settings = often_checked(impatient(&[server.address]));
    settings.deadline = Duration::from_millis(100);
    settings.health_check.domain = "health.example.org".parse().expect("a name");
    settings.health_check.recursion_desired = false;
    let resolver = resolver(settings);
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NobodyAnswered));
    until("it is checked", || failed_checks(&resolver) >= 1).await;
    let heard = heard.lock().expect("no panic");
    let check = heard.last().expect("a check");
    assert_eq!(check.queries[0].name.to_string(), "health.example.org.");
    assert_eq!(check.queries[0].query_type, RecordType::NS);
    assert!(!check.metadata.recursion_desired);
}

#[tokio::test]
async fn checks_end_with_their_resolver() {
    let server = NameServer::udp(silent).await;
    let mut settings = often_checked(impatient(&[server.address]));
    settings.deadline = Duration::from_millis(100);
    let resolver = resolver(settings);
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NobodyAnswered));
    until("it is checked", || failed_checks(&resolver) >= 1).await;
    let weak = Arc::downgrade(&resolver);
    drop(resolver);
    until("it is gone", || weak.upgrade().is_none()).await;
    // What is on its way may still arrive.
    let mut tries = 0;
    loop {
        let asked = server.times_asked();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        if server.times_asked() == asked {
            return;
        }
        tries += 1;
        assert!(tries < 10, "it is checked for ever");
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_resolver_that_waited_for_its_next_check() {
    let server = NameServer::udp(silent).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let mut settings = impatient(&[server.address]);
    settings.deadline = Duration::from_millis(100);
    settings.health_check.interval = Duration::from_secs(1_000_000);
    let resolver = resolver(settings);
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NobodyAnswered));
    until("it is checked", || failed_checks(&resolver) >= 1).await;
    assert!(tasks() > before);
    drop(resolver);
    until("all tasks have ended", || tasks() == before).await;
}
