//! What a Corefile can ask for, as somebody with `dig` sees it.

use std::fs;

use serde_json::json;
use tidegate_watch::PodKey;

use crate::cluster::{Cluster, REVERSE, parsed};
use crate::elsewhere::elsewhere;

/// Asks for a name's addresses and gives them in one line.
async fn addresses(cluster: &Cluster, question: &str) -> String {
    let answer = cluster.dig(&format!("+short {question}")).await;
    answer.trim().replace('\n', " ")
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_answered_and_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hosts");
    fs::write(&file, "192.0.2.1 gate.example\n").expect("written");
    let cluster = Cluster::start(&parsed(&format!(
        ".:0 {{
            hosts {} {{
                192.0.2.2 inline.example
                reload 100ms
                fallthrough cluster.local
            }}
            kubernetes cluster.local
        }}",
        file.display()
    )));
    cluster.feed.synced();
    assert_eq!(addresses(&cluster, "gate.example").await, "192.0.2.1");
    assert_eq!(addresses(&cluster, "inline.example").await, "192.0.2.2");
    assert_eq!(addresses(&cluster, "-x 192.0.2.1").await, "gate.example.");
    let absent = cluster.dig("absent.example").await;
    assert!(absent.contains("status: SERVFAIL"), "{absent}");
    let apex = cluster.dig("cluster.local SOA").await;
    assert!(apex.contains("status: NOERROR"), "{apex}");
    fs::write(&file, "192.0.2.33 gate.example\n").expect("written");
    cluster.until("gate.example", "192.0.2.33").await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_rewritten_on_their_way_and_back() {
    let cluster = Cluster::start(&parsed(
        ".:0 {
            rewrite name exact shop.example web.default.svc.cluster.local
            rewrite name suffix .short.example .default.svc.cluster.local answer auto
            rewrite name regex (.*)\\.only\\.example {1}.default.svc.cluster.local
            kubernetes cluster.local
        }",
    ));
    cluster.set_service("web", json!({"clusterIP": "10.96.0.7"}));
    cluster.feed.synced();
    cluster
        .until("web.default.svc.cluster.local", "10.96.0.7")
        .await;
    for name in ["shop.example", "web.short.example"] {
        let answer = cluster
            .dig(&format!("+noall +question +answer {name}"))
            .await;
        let lines: Vec<&str> = answer.lines().filter(|line| line.contains("IN")).collect();
        assert_eq!(lines.len(), 2, "{answer}");
        assert!(lines[0].starts_with(&format!(";{name}.")), "{answer}");
        assert!(lines[1].starts_with(&format!("{name}.")), "{answer}");
        assert!(lines[1].ends_with("10.96.0.7"), "{answer}");
    }
    let answer = cluster.dig("+noall +answer web.only.example").await;
    assert!(
        answer.starts_with("web.default.svc.cluster.local."),
        "{answer}"
    );
    cluster.stop().await;
}

/// A cluster with two namespaces, in which 127.0.0.1 is a pod of `default`.
async fn completing(upstream: &Cluster) -> Cluster {
    let cluster = Cluster::start(&parsed(&format!(
        ".:0 {{
            autopath @kubernetes
            kubernetes cluster.local {{
                pods verified
            }}
            forward . {}
        }}",
        upstream.address
    )));
    cluster.feed.add_namespace("default");
    cluster.feed.add_namespace("other");
    cluster.set_service("web", json!({"clusterIP": "10.96.0.7"}));
    let key = PodKey {
        namespace: "default".to_owned(),
        name: "client".to_owned(),
    };
    cluster
        .feed
        .set_pod(key, vec!["127.0.0.1".parse().expect("an address")]);
    cluster.feed.pods_synced();
    cluster.feed.synced();
    cluster
        .until("web.default.svc.cluster.local", "10.96.0.7")
        .await;
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_question_of_a_search_finds_what_the_last_one_would() {
    let outside = elsewhere().await;
    let cluster = completing(&outside).await;
    let suffix = "default.svc.cluster.local";
    for (asked, found) in [
        ("web", "10.96.0.7"),
        ("web.default", "web.default.svc.cluster.local. 10.96.0.7"),
        (
            "web.default.svc",
            "web.default.svc.cluster.local. 10.96.0.7",
        ),
        (
            "db.default.svc.example.org",
            "db.default.svc.example.org. 192.0.2.7",
        ),
    ] {
        let answer = addresses(&cluster, &format!("{asked}.{suffix}")).await;
        assert_eq!(answer, found, "{asked}");
    }
    let absent = cluster.dig(&format!("absent.example.org.{suffix}")).await;
    assert!(absent.contains("status: NXDOMAIN"), "{absent}");
    let of_others = cluster.dig("web.default.other.svc.cluster.local").await;
    assert!(
        of_others.contains("status: NXDOMAIN") && !of_others.contains("10.96.0.7"),
        "a search of another namespace isn't this pod's: {of_others}"
    );
    cluster.stop().await;
    outside.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_pods_gets_searches_completed() {
    let outside = elsewhere().await;
    let cluster = completing(&outside).await;
    let key = PodKey {
        namespace: "default".to_owned(),
        name: "client".to_owned(),
    };
    cluster.feed.set_pod(key, Vec::new());
    let answer = cluster.dig("web.default.default.svc.cluster.local").await;
    assert!(answer.contains("status: NXDOMAIN"), "{answer}");
    cluster.stop().await;
    outside.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_answers_are_counted_and_given_with_what_is_left_of_their_time() {
    let outside = elsewhere().await;
    let cluster = Cluster::start(&parsed(&format!(
        ".:0 {{
            kubernetes cluster.local {REVERSE}
            forward . {}
            cache 30
        }}",
        outside.address
    )));
    let before = outside.metric("coredns_dns_requests_total", "");
    for _ in 0..5 {
        let answer = addresses(&cluster, "db.default.svc.example.org").await;
        assert_eq!(answer, "192.0.2.7");
        let absent = cluster.dig("nobody.example.org").await;
        assert!(absent.contains("status: NXDOMAIN"), "{absent}");
    }
    assert_eq!(
        outside.metric("coredns_dns_requests_total", "") - before,
        2.0
    );
    assert_eq!(cluster.metric("coredns_cache_hits_total", "success"), 4.0);
    assert_eq!(cluster.metric("coredns_cache_hits_total", "denial"), 4.0);
    assert_eq!(cluster.metric("coredns_cache_misses_total", ""), 2.0);
    assert_eq!(cluster.metric("coredns_cache_entries", ""), 2.0);
    cluster.stop().await;
    outside.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_one_domain_go_to_servers_of_their_own() {
    let outside = elsewhere().await;
    let cluster = Cluster::start_at_known_address(|own| {
        let mut config = parsed(&format!(
            ". {{
                kubernetes cluster.local
            }}
            example.org {{
                forward . {}
            }}",
            outside.address
        ));
        for block in &mut config.servers {
            block.zones[0].port = own.port();
        }
        config
    });
    let answer = addresses(&cluster, "db.default.svc.example.org").await;
    assert_eq!(answer, "192.0.2.7");
    let other = cluster.dig("example.com").await;
    assert!(other.contains("status: SERVFAIL"), "{other}");
    cluster.stop().await;
    outside.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_goes_to_those_who_may_have_it() {
    let secret = "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiB0aWRlZ2F0ZQ==";
    let cluster = Cluster::start(&parsed(&format!(
        ".:0 {{
            kubernetes cluster.local
            transfer {{
                to 127.0.0.1
            }}
            tsig {{
                secret key.example. {secret}
                require AXFR
            }}
        }}"
    )));
    for number in 0..400 {
        cluster.set_service(&format!("web-{number}"), json!({"clusterIP": "10.96.0.7"}));
    }
    cluster.feed.synced();
    cluster
        .until("web-399.default.svc.cluster.local", "10.96.0.7")
        .await;
    let unsigned = cluster.dig("cluster.local AXFR").await;
    assert!(unsigned.contains("Transfer failed"), "{unsigned}");
    let wrong = "d3Jvbmcgc2VjcmV0IG9mIHRoZSB0ZXN0cw==";
    let forged = cluster
        .dig(&format!(
            "-y hmac-sha256:key.example:{wrong} cluster.local AXFR"
        ))
        .await;
    assert!(forged.contains("failed"), "{forged}");
    let signed = cluster
        .dig(&format!(
            "-y hmac-sha256:key.example:{secret} cluster.local AXFR"
        ))
        .await;
    assert!(
        !signed.contains("failed") && !signed.contains("verify"),
        "{signed}"
    );
    assert_eq!(signed.matches("\tSOA\t").count(), 2, "{signed}");
    assert!(
        signed.matches("10.96.0.7").count() == 400 && signed.contains("(messages 2"),
        "{signed}"
    );
    let other = format!("-b 127.0.0.2 -y hmac-sha256:key.example:{secret} cluster.local AXFR");
    let answer = cluster.dig(&other).await;
    assert!(answer.contains("Transfer failed"), "{answer}");
    let question =
        format!("+short -y hmac-sha256:key.example:{secret} web-1.default.svc.cluster.local");
    assert_eq!(cluster.dig(&question).await.trim(), "10.96.0.7");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_to_us_is_told() {
    let cluster = Cluster::start_at_known_address(|own| {
        // A second address of ours, which nobody knows to be ours.
        let mut config = parsed(&format!(
            ". {{
                bind 127.0.0.1 127.0.0.3
                forward . 127.0.0.3:{}
                loop
            }}",
            own.port()
        ));
        config.servers[0].zones[0].port = own.port();
        config
    });
    let answer = cluster.dig("example.org").await;
    assert!(answer.contains("status: SERVFAIL"), "{answer}");
    assert!(
        cluster.metric("coredns_dns_requests_total", "") <= 4.0,
        "no avalanche"
    );
    cluster.stop().await;
}
