//! Names outside the cluster.

use serde_json::json;
use tokio::net::UdpSocket;

use crate::cluster::{Cluster, config};
use crate::elsewhere::elsewhere;

#[tokio::test(flavor = "multi_thread")]
async fn other_names_are_asked_for_elsewhere() {
    let other = elsewhere().await;
    let cluster = Cluster::with_web(vec![other.address]).await;
    for transport in ["+notcp", "+tcp"] {
        let answer = cluster
            .dig(&format!("{transport} +short db.default.svc.example.org"))
            .await;
        assert_eq!(answer, "192.0.2.7\n");
        let answer = cluster
            .dig(&format!("{transport} nobody.example.org"))
            .await;
        assert!(answer.contains("status: NXDOMAIN"), "{answer}");
    }
    assert_eq!(
        cluster.metric("coredns_proxy_request_duration_seconds_count", ""),
        4.0
    );
    cluster.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reply_from_elsewhere_arrives_whole_over_tcp() {
    let other = elsewhere().await;
    let cluster = Cluster::with_web(vec![other.address]).await;
    let answer = cluster
        .dig("+notcp +ignore many.default.svc.example.org")
        .await;
    assert!(answer.contains(" tc "), "{answer}");
    let answer = cluster.dig("+short many.default.svc.example.org").await;
    assert_eq!(answer.lines().count(), 100);
    cluster.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_name_is_followed_to_its_end() {
    let other = elsewhere().await;
    let cluster = Cluster::with_web(vec![other.address]).await;
    let external = |target: &str| json!({"type": "ExternalName", "externalName": target});
    cluster.set_service("database", external("db.default.svc.example.org"));
    cluster.set_service("missing", external("nobody.example.org"));
    cluster
        .until(
            "database.default.svc.cluster.local",
            "db.default.svc.example.org.\n192.0.2.7",
        )
        .await;
    let answer = cluster.dig("missing.default.svc.cluster.local").await;
    assert!(answer.contains("status: NXDOMAIN"), "{answer}");
    assert!(answer.contains("CNAME\tnobody.example.org."), "{answer}");
    cluster.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_other_servers_other_names_fail_at_once() {
    let cluster = Cluster::with_web(vec![]).await;
    let answer = cluster.dig("example.org").await;
    assert!(answer.contains("status: SERVFAIL"), "{answer}");
    cluster.set_service(
        "database",
        json!({"type": "ExternalName", "externalName": "db.example.org"}),
    );
    cluster
        .until(
            "database.default.svc.cluster.local CNAME",
            "db.example.org.",
        )
        .await;
    let answer = cluster.dig("database.default.svc.cluster.local").await;
    assert!(answer.contains("status: SERVFAIL"), "{answer}");
    assert!(answer.contains("CNAME\tdb.example.org."), "{answer}");
    assert!(cluster.metric("coredns_dns_responses_total", "SERVFAIL") >= 2.0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_elsewhere_holds_nobody_else_up() {
    let slow = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let patient = config(vec![slow.local_addr().expect("an address")]);
    let cluster = Cluster::start(&patient);
    cluster.set_service("web", json!({"clusterIP": "10.96.0.7"}));
    cluster.feed.synced();
    let meanwhile = async {
        let mut query = [0; 512];
        let (length, asker) = slow.recv_from(&mut query).await.expect("a query");
        cluster
            .until("web.default.svc.cluster.local", "10.96.0.7")
            .await;
        // The query itself with the QR flag is a reply without records.
        query[2] |= 0x80;
        let sent = slow.send_to(&query[..length], asker).await;
        sent.expect("sent");
    };
    let (outside, ()) = tokio::join!(cluster.dig("example.org"), meanwhile);
    assert!(outside.contains("status: NOERROR"), "{outside}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_only_server_is_this_one_gets_no_loop() {
    let cluster = Cluster::start_at_known_address(|own| config(vec![own]));
    let answer = cluster.dig("example.org").await;
    assert!(answer.contains("status: SERVFAIL"), "{answer}");
    assert_eq!(
        cluster.metric("coredns_dns_requests_total", ""),
        1.0,
        "it never came back"
    );
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_ask_each_other_come_to_an_end() {
    let mut other = None;
    let cluster = Cluster::start_at_known_address(|own| {
        let asks_us = Cluster::start(&config(vec![own]));
        config(vec![other.insert(asks_us).address])
    });
    let answer = cluster.dig("example.org").await;
    assert!(answer.contains("status: SERVFAIL"), "{answer}");
    assert!(
        cluster.metric("coredns_dns_requests_total", "") <= 3.0,
        "no avalanche"
    );
    cluster.stop().await;
    other.expect("started").stop().await;
}
