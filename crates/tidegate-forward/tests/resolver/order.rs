//! Which servers are asked: what the settings and the host's file say, and never ourselves.

use std::collections::HashSet;
use std::time::Duration;

use tidegate_forward::{OwnAddresses, Policy, Protocol, ResolveError, Resolver, UpstreamSource};
use tokio::runtime::Handle;

use crate::name_server::{NameServer, address, good};
use crate::{ask_for, found, resolver, settings};

async fn two_servers() -> (NameServer, NameServer) {
    let second = NameServer::udp(|query| vec![address(query, 2)]).await;
    (NameServer::udp(good).await, second)
}

#[tokio::test]
async fn sequential_asks_the_first_and_round_robin_all_in_turn() {
    let (one, other) = two_servers().await;
    let mut settings = settings(&[one.address, other.address]);
    let sequential = resolver(settings.clone());
    settings.policy = Policy::RoundRobin;
    let round_robin = resolver(settings);
    for _ in 0..3 {
        let first = ask_for(&sequential, "example.org.").await;
        assert_eq!(first, found(&["192.0.2.1"]));
    }
    for last in [1, 2, 1, 2] {
        let answer = ask_for(&round_robin, "example.org.").await;
        assert_eq!(answer, found(&[&format!("192.0.2.{last}")]));
    }
}

#[tokio::test]
async fn random_asks_all_sooner_or_later() {
    let (one, other) = two_servers().await;
    let mut settings = settings(&[one.address, other.address]);
    settings.policy = Policy::Random;
    let resolver = resolver(settings);
    for _ in 0..100 {
        ask_for(&resolver, "example.org.").await.expect("an answer");
    }
    // A fair coin does this once in 2^99 times.
    assert!(one.times_asked() > 0 && other.times_asked() > 0);
}

#[tokio::test]
async fn the_hosts_file_is_read_again_when_it_changes() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("resolv.conf");
    let mut settings = settings(&[]);
    settings.upstreams = vec![UpstreamSource::ResolvConf(path.clone())];
    // Nobody listens on port 53 there, and no time is spent on waiting for them.
    settings.patience = Duration::from_millis(10);
    settings.max_fails = 0;
    let resolver = resolver(settings);
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, Err(ResolveError::NoUpstream), "no file yet");
    let known = || -> HashSet<_> {
        let upstreams = resolver.upstreams();
        upstreams
            .iter()
            .map(|(address, ..)| address.to_string())
            .collect()
    };
    for server in ["127.0.0.91", "127.0.0.92"] {
        std::fs::write(&path, format!("nameserver {server}\n")).expect("written");
        let expected = HashSet::from([format!("{server}:53")]);
        let mut tries = 0;
        while known() != expected {
            tries += 1;
            assert!(tries < 100, "the change to {server} was never seen");
            tokio::time::sleep(Duration::from_millis(100)).await;
            // What comes of it is this host's business.
            let _ = ask_for(&resolver, "example.org.").await;
        }
    }
    std::fs::remove_file(&path).expect("removed");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let _ = ask_for(&resolver, "example.org.").await;
    let last = HashSet::from(["127.0.0.92:53".to_owned()]);
    assert_eq!(known(), last, "the last list stays");
}

#[tokio::test]
async fn the_server_never_asks_itself() {
    let (ourselves, other) = two_servers().await;
    let own = OwnAddresses {
        listening: vec![ourselves.address],
        advertised: Vec::new(),
    };
    let settings = settings(&[ourselves.address, other.address]);
    let resolver = Resolver::new(settings, own, Handle::current()).expect("good settings");
    let answer = ask_for(&resolver, "example.org.").await;
    assert_eq!(answer, found(&["192.0.2.2"]));
    assert_eq!(ourselves.times_asked(), 0);
    let upstreams = resolver.upstreams();
    assert_eq!(upstreams.len(), 1);
    assert_eq!(upstreams[0].0, other.address);
    assert_eq!(upstreams[0].1, Protocol::Plain);
}

#[tokio::test]
async fn a_server_that_stays_keeps_its_history_when_the_file_changes() {
    let server = NameServer::udp(good).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("resolv.conf");
    let mut settings = settings(&[server.address]);
    settings
        .upstreams
        .push(UpstreamSource::ResolvConf(path.clone()));
    let resolver = resolver(settings);
    let mut asked = 0;
    while resolver.upstreams().len() < 2 {
        assert!(asked < 100, "the file was never read");
        asked += 1;
        let answer = ask_for(&resolver, "example.org.").await;
        assert_eq!(answer, found(&["192.0.2.1"]));
        std::fs::write(&path, "nameserver 127.0.0.91\n").expect("written");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let upstreams = resolver.upstreams();
    let (_, times) = upstreams[0].2.by_code().next().expect("NOERROR");
    assert_eq!(times.count(), asked);
    assert!(asked > 1);
}
