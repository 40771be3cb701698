//! What is remembered of answers, and what it is good for when servers fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use tidegate_forward::{
    CacheSettings, Entries, Lookup, OwnedQuestion, Prefetch, Refresh, Resolver, Settings, Stale,
};

use crate::name_server::{
    NameServer, Udp, address, failing, good, good_over_tcp, messages, silent, silent_tcp,
    truncated, with_code,
};
use crate::{
    ask, ask_for, found, impatient, question, resolver, seen, settings, until, without_answer,
};

fn caching(settings: Settings) -> Settings {
    Settings {
        cache: Some(CacheSettings::default()),
        ..settings
    }
}

/// A server whose answers have a TTL of 30 s, the first one other than all that follow.
async fn changing(later: fn(&Message) -> Vec<Message>) -> NameServer {
    let times = AtomicUsize::new(0);
    let behaviour: Udp = Box::new(move |query| {
        let replies = match times.fetch_add(1, Ordering::SeqCst) {
            0 => good(query),
            _ => later(query),
        };
        let encode = |message: Message| message.to_vec().expect("a reply");
        replies.into_iter().map(encode).collect()
    });
    NameServer::start(behaviour, silent_tcp(), None).await
}

fn cached(resolver: &Resolver, question: &OwnedQuestion, after: Duration) -> Lookup {
    resolver.cached(&question.as_question(), Instant::now() + after)
}

const NOW: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_secs(40);

#[tokio::test]
async fn an_answer_is_known_until_its_ttl_is_over() {
    let server = NameServer::udp(good).await;
    let resolver = resolver(caching(settings(&[server.address])));
    let question = question("Example.ORG.");
    assert!(matches!(cached(&resolver, &question, NOW), Lookup::Miss));
    assert_eq!(ask(&resolver, &question).await, found(&["192.0.2.1"]));
    let Lookup::Hit(stored) = cached(&resolver, &question, NOW) else {
        panic!("it is not known");
    };
    assert_eq!(Ok(seen(&stored, &question)), found(&["192.0.2.1"]));
    assert!(matches!(cached(&resolver, &question, LATER), Lookup::Miss));
    let success = 1;
    assert_eq!(resolver.entries(), Entries { success, denial: 0 });
    assert_eq!(resolver.counters().success_hits.get(), 1);
    assert_eq!(resolver.counters().misses.get(), 2);
}

#[tokio::test]
async fn what_was_cut_off_is_not_remembered() {
    let server = NameServer::udp(truncated).await;
    let resolver = resolver(caching(settings(&[server.address])));
    let question = question("example.org.");
    let answer = ask(&resolver, &question).await.expect("a reply");
    assert!(answer.truncated);
    assert!(matches!(cached(&resolver, &question, NOW), Lookup::Miss));
}

#[tokio::test]
async fn a_refresh_brings_the_new_answer() {
    let server = changing(|query| vec![address(query, 2)]).await;
    let mut settings = caching(impatient(&[server.address]));
    let cache = settings.cache.as_mut().expect("a cache");
    cache.prefetch = Some(Prefetch::default());
    let resolver = resolver(settings);
    let question = question("example.org.");
    assert_eq!(ask(&resolver, &question).await, found(&["192.0.2.1"]));
    let soon_over = Duration::from_secs(28);
    let wanted = cached(&resolver, &question, soon_over);
    assert!(matches!(wanted, Lookup::HitAndRefresh(_)));
    resolver.refresh(question.clone());
    until("the answer is new", || {
        match cached(&resolver, &question, NOW) {
            Lookup::Hit(stored) => Ok(seen(&stored, &question)) == found(&["192.0.2.2"]),
            _ => false,
        }
    })
    .await;
    assert_eq!(resolver.counters().prefetches.get(), 1);
}

#[tokio::test]
async fn a_refresh_brings_what_is_too_long_for_udp() {
    let server = NameServer::start(messages(truncated), Arc::new(good_over_tcp), None).await;
    let resolver = resolver(caching(settings(&[server.address])));
    let question = question("example.org.");
    resolver.refresh(question.clone());
    until("the answer is known", || {
        matches!(cached(&resolver, &question, NOW), Lookup::Hit(_))
    })
    .await;
}

fn with_stale(settings: Settings, refresh: Refresh) -> Settings {
    let mut settings = caching(settings);
    let cache = settings.cache.as_mut().expect("a cache");
    cache.stale = Some(Stale {
        refresh,
        ..Stale::default()
    });
    settings
}

#[tokio::test]
async fn an_old_answer_is_given_when_servers_fail() {
    for later in [failing, silent, truncated, |query: &Message| {
        vec![with_code(query, ResponseCode::Refused)]
    }] {
        let server = changing(later).await;
        let settings = impatient(&[server.address]);
        let resolver = resolver(with_stale(settings, Refresh::Immediate));
        let question = question("example.org.");
        assert_eq!(ask(&resolver, &question).await, found(&["192.0.2.1"]));
        let answer = ask(&resolver, &question).await;
        assert_eq!(answer, found(&["192.0.2.1"]));
        assert!(server.times_asked() >= 2);
        assert_eq!(resolver.counters().stale_served.get(), 1);
        let outlived = cached(&resolver, &question, LATER);
        assert!(matches!(outlived, Lookup::HitAndRefresh(_)));
    }
}

#[tokio::test]
async fn a_new_denial_is_news() {
    let server = changing(|query| vec![with_code(query, ResponseCode::NXDomain)]).await;
    let settings = settings(&[server.address]);
    let resolver = resolver(with_stale(settings, Refresh::Immediate));
    assert_eq!(
        ask_for(&resolver, "example.org.").await,
        found(&["192.0.2.1"])
    );
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, without_answer(ResponseCode::NXDomain));
}

#[tokio::test]
async fn nobody_waits_for_longer_than_told_if_there_is_an_old_answer() {
    // Asking goes on for as long as the test could possibly take.
    let server = changing(silent).await;
    let patience = Some(Duration::from_millis(50));
    let settings = settings(&[server.address]);
    let resolver = resolver(with_stale(settings, Refresh::Verify { patience }));
    let question = question("example.org.");
    assert_eq!(ask(&resolver, &question).await, found(&["192.0.2.1"]));
    assert!(matches!(cached(&resolver, &question, LATER), Lookup::Miss));
    assert_eq!(ask(&resolver, &question).await, found(&["192.0.2.1"]));
    until("it was asked", || server.times_asked() == 2).await;
}

#[tokio::test]
async fn without_stale_answers_a_failure_is_a_failure() {
    let server = changing(failing).await;
    let mut settings = caching(settings(&[server.address]));
    let cache = settings.cache.as_mut().expect("a cache");
    cache.success.disabled = vec!["org".parse().expect("a zone")];
    let resolver = resolver(settings);
    assert_eq!(
        ask_for(&resolver, "example.org.").await,
        found(&["192.0.2.1"])
    );
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, without_answer(ResponseCode::ServFail));
    let known = cached(&resolver, &question("example.org."), NOW);
    assert!(
        matches!(known, Lookup::Hit(_)),
        "failures are remembered too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_may_look_up_while_others_resolve() {
    let server = NameServer::udp(good).await;
    let resolver = resolver(caching(settings(&[server.address])));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let resolver = Arc::clone(&resolver);
            std::thread::spawn(move || {
                let question = question("name7.example.");
                let mut body = Vec::new();
                let end = Instant::now() + crate::PATIENCE;
                while body.is_empty() && Instant::now() < end {
                    let now = Instant::now();
                    if let Lookup::Hit(stored) = resolver.cached(&question.as_question(), now) {
                        stored.write_body(&mut body, now, 0);
                    }
                }
                body.len()
            })
        })
        .collect();
    for number in 0..10 {
        let answer = ask_for(&resolver, &format!("name{number}.example.")).await;
        assert_eq!(answer, found(&["192.0.2.1"]));
    }
    for reader in readers {
        assert_eq!(reader.join().expect("no panic"), 16);
    }
}
